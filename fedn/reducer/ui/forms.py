"""Forms: what is answered to a browser that posts one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import make_response, redirect, request
from flask.typing import ResponseReturnValue

from fedn.errors import FednError
from fedn.reducer import browsers
from fedn.reducer.problems import STATUS

View = Callable[[], ResponseReturnValue]


def form_of(page: Callable[[FednError], str]) -> Callable[[View], View]:
    """Have a browser that posts see its page again: by a redirect (303) when all went well, so that loading it anew
    doesn't post anew; else with what is wrong, in plain words and with the status of the error. Programs get JSON.

    Args:
        page: Makes the page with an error.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer() -> ResponseReturnValue:
            if not browsers.asks_for_page():
                return view()
            try:
                view()
            except FednError as error:
                return make_response(page(error), STATUS[error.code])
            return redirect(request.path, 303)

        return answer

    return decorate
