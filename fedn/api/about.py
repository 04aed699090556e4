"""What the reducer says of itself: health, settings, versions."""

from __future__ import annotations

from fedn.api.calls import Calls, Json


class AboutCalls(Calls):
    def health(self) -> Json:
        """What the reducer says of itself."""
        return self._get("health")

    def ready(self) -> Json:
        """As `health`, once it takes requests; NotReady or Unavailable before."""
        return self._get("ready")

    def settings(self) -> list[Json]:
        """The reducer's settings in groups, without its secrets."""
        groups: list[Json] = self._get("settings")["groups"]
        return groups

    def about(self) -> Json:
        """Versions and licences of the reducer and the libraries that it runs on."""
        return self._get("about")
