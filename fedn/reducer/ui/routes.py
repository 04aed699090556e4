"""All pages."""

from __future__ import annotations

from fedn.reducer.ui import (
    about,
    access,
    assets,
    dashboard,
    events,
    home,
    login,
    models,
    network,
    packages,
    sessions,
    setup,
)

BLUEPRINTS = [
    page.blueprint
    for page in (
        home,
        setup,
        sessions,
        models,
        dashboard,
        network,
        packages,
        events,
        access,
        about,
        login,
        assets,
    )
]
