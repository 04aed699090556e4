from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from measured import validated

from fedn.errors import InvalidInput, NotFound, NotReady
from fedn.reducer.plots import PLOTS
from fedn.reducer.plots.machines import POINTS
from fedn.security.tokens import Role
from fedn.stores.documents import Sample
from fedn.stores.protocols import Insert

HOSTILE = ("<b>a</b>&amp;", "=1+1", "+a", "-a", "@a", "\ta", "ؠبت")


def measure(reducer: Any, *clients: str, value: float = 1.0) -> None:
    """A model that these clients have validated."""
    reducer.services.state.write(*validated("m1", {client: {"loss": value} for client in clients}))


def sample(reducer: Any, number: int, node: str = "reducer", **fields: Any) -> None:
    given = {"role": "reducer", "processor": 0.5, "memory_bytes": 3 * 2**20, "clients": 0, **fields}
    reducer.services.state.write(Insert(Sample(id=f"{node}-{number}", at=86_400.0 + number, node=node, **given)))


def table(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.text, newline="")))


@pytest.mark.parametrize("name", PLOTS)
def test_where_there_is_nothing_to_draw_it_says_what_to_do(shared: Any, name: str) -> None:
    with pytest.raises(NotReady) as caught:
        shared.http(Role.VIEWER).get(f"/api/v1/plots/{name}")
    assert caught.value.hint
    csv = shared.raw(shared.token(Role.VIEWER)).get(f"/api/v1/plots/{name}", params={"format": "csv"})
    assert csv.json()["error"]["code"] == NotReady.code
    assert shared.http(Role.VIEWER).get("/api/v1/metrics")["items"] == []


def test_there_is_no_such_plot(shared: Any) -> None:
    with pytest.raises(NotFound, match="no plot 'none'") as caught:
        shared.http(Role.VIEWER).get("/api/v1/plots/none")
    assert "round-times" in caught.value.hint
    with pytest.raises(InvalidInput, match="format"):
        shared.http(Role.VIEWER).get("/api/v1/plots/metric", format="xml")


def test_texts_stay_texts_when_they_are_drawn(reducer: Any) -> None:
    measure(reducer, *HOSTILE)
    http = reducer.http(Role.VIEWER)
    for figure in (http.get("/api/v1/plots/metric"), http.get("/metric_type")):
        assert figure["data"][0]["text"] == ["&lt;b&gt;a&lt;/b&gt;&amp;amp;", *HOSTILE[1:]]
    with pytest.raises(InvalidInput, match="'<f1>'"):
        http.get("/api/v1/plots/metric", metric="<f1>")


def test_what_was_measured_is_forgotten_with_the_models(reducer: Any) -> None:
    measure(reducer, "a")
    reducer.http(Role.OPERATOR).post("/delete_model_trail")
    with pytest.raises(NotReady):
        reducer.http(Role.VIEWER).get("/api/v1/plots/metric")
    assert reducer.http(Role.VIEWER).get("/api/v1/metrics")["items"] == []


def test_a_table_has_no_formulas_and_numbers_stay_numbers(reducer: Any) -> None:
    measure(reducer, *HOSTILE, value=-0.5)
    answer = reducer.raw(reducer.token(Role.VIEWER)).get("/api/v1/plots/metric", params={"format": "csv"})
    assert answer.headers["content-disposition"] == "attachment; filename=metric.csv"
    heading, *rows = table(answer)
    assert heading == ["model", "client", "loss"]
    assert rows == [["round 1 · m1", name if name[0] in "<ؠ" else f"'{name}", "-0.5"] for name in HOSTILE]


def test_what_is_no_number_is_left_empty(reducer: Any) -> None:
    measure(reducer, "a", value=float("nan"))
    client = reducer.raw(reducer.token(Role.VIEWER))
    assert client.get("/api/v1/plots/metric").json()["data"][0]["y"] == [None]
    assert table(client.get("/api/v1/plots/metric", params={"format": "csv"}))[1] == ["round 1 · m1", "a", ""]


def test_machines_have_a_line_each_for_memory_and_processor(reducer: Any) -> None:
    for number in range(2):
        sample(reducer, number)
    sample(reducer, 0, "c1", role="combiner", processor=1.25)
    http = reducer.http(Role.VIEWER)
    figure = http.get("/api/v1/plots/machines")
    names = [trace["name"] for trace in figure["data"]]
    assert names == ["c1 · memory", "c1 · processor", "reducer · memory", "reducer · processor"]
    memory, processor = figure["data"][2:]
    assert memory["x"] == processor["x"] == ["1970-01-02T00:00:00", "1970-01-02T00:00:01"]
    assert (memory["y"], processor["y"]) == ([3.0, 3.0], [50.0, 50.0])
    assert {figure["layout"][name]["title"]["text"] for name in ("xaxis", "yaxis", "yaxis2")} == {
        "time (UTC)",
        "memory (MiB)",
        "processor (% of one core)",
    }
    one = http.get("/api/v1/plots/machines", node="c1")
    assert [trace["y"] for trace in one["data"]] == [[3.0], [125.0]]
    with pytest.raises(InvalidInput, match="'none'") as caught:
        http.get("/api/v1/plots/machines", node="none")
    assert "c1, reducer" in caught.value.hint


def test_a_long_time_is_thinned_out(reducer: Any) -> None:
    fields = {"node": "c1", "role": "combiner", "processor": 0.0, "memory_bytes": 0, "clients": 0}
    samples = [Sample(id=str(number), at=float(number), **fields) for number in range(5 * POINTS)]  # type: ignore[arg-type]
    reducer.services.state.write(*map(Insert, samples))
    figure = reducer.http(Role.VIEWER).get("/api/v1/plots/machines", node="c1")
    assert POINTS // 2 < len(figure["data"][0]["x"]) <= POINTS
