"""Secrets in text that anybody may have written, replaced by ***.

They are told by the names they bear, where a program is known to take them, and by the shapes that vendors
give them.
It errs to the safe side and is no proof that nothing secret is left. Every repetition that may be tried from
many places is bounded: whoever wrote the text must not be able to make this slow.
"""

from memcollect_agent.masking.assigned import mask_assigned, mask_headers, mask_options, masked_arguments
from memcollect_agent.masking.programs import mask_of_programs
from memcollect_agent.masking.shapes import MASK, mask_blocks, mask_shapes, mask_urls

__all__ = ["MASK", "masked", "masked_arguments"]


def masked(text: str) -> str:
    """Return `text` with everything that looks like a credential replaced by ***."""
    for mask in (
        mask_blocks,
        mask_urls,
        mask_headers,
        mask_of_programs,
        mask_options,
        mask_assigned,
        mask_shapes,
    ):
        text = mask(text)
    return text
