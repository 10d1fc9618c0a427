"""Who is painted for next, and how works end."""

import threading
import time

import numpy as np
import pytest

from tf_style.studio.turns import Turns
from tf_style.studio.visitors import Visitors
from tf_style.studio.works.work import Work


class Waits(Work):
    """Writes its name into a list, and then waits until it may go on."""

    def __init__(self, name, painted, folder):
        super().__init__(folder / f"{name}.png")
        self.name, self._painted, self.may_end = name, painted, threading.Event()

    def _paint(self):
        self._painted.append(self.name)
        self._show("step 1 of 2", 0.5, lambda: b"")
        while not (self.may_end.is_set() or self.stopping):
            self.may_end.wait(0.01)
        if self.name == "broken":
            raise RuntimeError("no more paint")
        self.output.write_bytes(b"a picture")
        return not self.stopping


@pytest.fixture
def painted():
    return []


@pytest.fixture
def turns():
    turns = Turns()
    yield turns
    turns.close()


@pytest.fixture
def add(turns, painted, tmp_path):
    def add(visitor, name):
        work = Waits(name, painted, tmp_path)
        turns.add(visitor, work)
        return work

    return add


def finish(*works):
    for work in works:
        work.may_end.set()
    for work in works:
        assert work.ended.wait(10)


def test_two_visitors_alternate(turns, add, painted):
    first = [add("one", f"one {number}") for number in range(5)]
    wait_until(lambda: painted)
    second = [add("other", f"other {number}") for number in range(2)]
    assert turns.before(second[0]) == 1  # only the one that is being painted
    assert [turns.before(work) for work in first[1:]] == [2, 4, 5, 6]
    finish(*first, *second)
    assert painted == ["one 0", "other 0", "one 1", "other 1", "one 2", "one 3", "one 4"]
    assert {work.state for work in (*first, *second)} == {"done"}


def test_stopped_works_keep_what_there_is_and_leave_the_line(turns, add, painted):
    current, waiting = add("one", "current"), add("one", "waiting")
    wait_until(lambda: painted)
    turns.stop(waiting)
    assert (waiting.state, waiting.written) == ("stopped", False)
    turns.stop(current)
    assert current.ended.wait(10)
    assert (current.state, current.message, current.written) == ("stopped", "Stopped at step 1 of 2.", True)
    assert painted == ["current"]


def test_a_work_that_breaks_does_not_stop_the_line(add, caplog):
    broken, next_one = add("one", "broken"), add("one", "next")
    finish(broken, next_one)
    assert (broken.state, broken.message) == ("failed", "The painting failed: no more paint")
    assert next_one.state == "done"


def wait_until(true):
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def test_visitors_whose_pages_give_no_sign_are_forgotten(turns, add, painted, tmp_path):
    visitors = Visitors(tmp_path / "visitors", turns.remove)
    visitor = visitors.arrive()
    visitor.works.append(work := add(visitor.id, "work"))
    visitor.brushed = np.zeros((4, 4, 4), np.uint8)
    wait_until(lambda: painted)
    visitors.sweep()
    assert not work.ended.is_set()
    assert visitors.arrive("forged") is not visitor
    assert visitors.arrive(visitor.id) is visitor
    assert visitor.brushed is None  # the page that was loaded again does not show it
    visitor.seen -= 100
    visitors.sweep()
    assert work.ended.is_set()
    assert visitor.folder.is_dir()
    visitor.seen -= 600
    visitors.sweep()
    assert not visitor.folder.exists()
    assert visitors.find(visitor.id) is None
