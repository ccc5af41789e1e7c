"""SustainDC as a profile: its constants, action codes, observations and rewards, quirks included.

SustainDC (HewlettPackard/dc-rl, commit a92b475) is the environment most users come from. This package reproduces its
traces so that results can be compared across the move; ``docs/sustaindc.md`` lists what is knowingly wrong in it.
Nothing here is shared with ``uk_default``: a fix there must not change a comparison here.

    site = size_site(location="ca", capacity_mw=1.0)
    batch = SustainDCBatch([site], [series], site_index=np.zeros(1024, int), series_index=np.zeros(1024, int))
    observations = batch.reset()
    result = batch.step(actions)            # int (1024, 3): load shifting, cooling, battery; codes 0, 1, 2
"""

from envs.sustaindc.batch import StepResult, SustainDCBatch
from envs.sustaindc.constants import AGENTS
from envs.sustaindc.series import Series
from envs.sustaindc.site import Site, size_site

__all__ = ["AGENTS", "Series", "Site", "StepResult", "SustainDCBatch", "size_site"]
