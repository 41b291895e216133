"""The metrics of a whole server: this process's, and with several workers each of theirs beside.

What a figure is, and how texts become one, is `oncall`'s; how siblings are asked, `web`'s.
"""

from collections.abc import Awaitable, Callable

from gateway.oncall.metrics_merging import merge_metrics
from gateway.web.siblings import Siblings

_PATH = "/admin/metrics"


def serve_metrics(render_own: Callable[[], bytes], siblings: Siblings) -> Callable[[], Awaitable[bytes]]:
    """What gives the text: this process's own as it is, or as that of worker 1 beside its siblings'."""

    async def render() -> bytes:
        if not siblings:
            return render_own()
        answers = await siblings.ask(_PATH)
        return merge_metrics({1: render_own(), **answers})

    return render
