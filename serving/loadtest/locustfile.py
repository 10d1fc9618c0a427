"""A load test of a served model, for Locust: pictures of mixed sizes over gRPC, every answer compared.

Before the load, each picture is painted once, alone: these are the answers that all later ones must equal. Then every
user asks for pictures in random order, without a pause, until the number of requests is reached.

    pip install ".[loadtest]"
    locust --locustfile=serving/loadtest/locustfile.py --headless --host=localhost:8500 --users=8 --spawn-rate=8 \
        --requests=500

Its exit status is 1 if a request failed or an answer differed. More flags: `--help`, under "tf_style".
"""

import itertools
import random
import time
from typing import Any

import gevent
import grpc.experimental.gevent as grpc_gevent
import numpy as np
import psutil
from locust import User, constant, events, task
from locust.exception import StopUser

from tf_style.serving.client import Client

grpc_gevent.init_gevent()  # Locust runs its users as greenlets; without this one call would stop them all


class Case:
    """A picture to paint, and the answer when it was painted alone."""

    def __init__(self, size: str, seed: int):
        height, width = (int(side) for side in size.split("x"))
        self.name = f"stylize {size}"
        self.content = smooth_picture(height, width, seed)
        self.style = smooth_picture(width, height, seed + 1)
        self.seed = seed
        self.answer: Any = None

    def paint(self, client: Client, num_steps: int) -> Any:
        return client.stylize(self.content, self.style, num_steps=num_steps, seed=self.seed)


def smooth_picture(height: int, width: int, seed: int) -> np.ndarray:
    """Random colors that flow into each other, uint8 [height, width, 3]."""
    knots = np.random.default_rng(seed).uniform(0.0, 255.0, (5, 5, 3))
    for axis, length in enumerate((height, width)):
        places = np.linspace(0.0, 4.0, length)
        below = np.minimum(places.astype(int), 3)
        share = (places - below).reshape([-1 if i == axis else 1 for i in range(3)])
        knots = (1.0 - share) * knots.take(below, axis) + share * knots.take(below + 1, axis)
    return np.rint(knots).astype(np.uint8)


class Run:
    """What all users share: the cases, the number of requests so far, the server's memory."""

    def __init__(self, environment: Any):
        self.options = environment.parsed_options
        self.environment = environment
        self.cases = [Case(size.strip(), seed) for seed, size in enumerate(self.options.sizes.split(","))]
        self.numbers = itertools.count()
        self.tickets = iter(range(self.options.requests))
        self.answered = 0
        self.started = 0.0
        self.memory_before = 0.0

    def paint_alone(self) -> None:
        with Client(self.environment.host) as client:
            for case in self.cases:
                case.answer = case.paint(client, self.options.num_steps)
        self.memory_before = self.memory()
        self.started = time.monotonic()

    def memory(self) -> float:
        """Megabytes of the server's process; 0 if it is not on this machine."""
        return psutil.Process(self.options.server_pid).memory_info().rss / 1e6 if self.options.server_pid else 0.0

    def take_ticket(self) -> None:
        """Ends the user if all requests are made."""
        if next(self.tickets, None) is None:
            raise StopUser

    def count(self) -> None:
        self.answered += 1
        if self.answered == self.options.requests:
            gevent.spawn(self.environment.runner.quit)  # not by a user, who is stopped by it

    def report(self) -> None:
        total = self.environment.stats.total
        seconds = time.monotonic() - self.started
        print(f"{total.num_requests} requests, {total.num_failures} failed, {seconds:.1f} s, ", end="")
        print(f"{total.num_requests / seconds:.2f} a second; ", end="")
        quantiles = [total.get_response_time_percentile(share) / 1000 for share in (0.5, 0.95, 0.99)]
        print("50, 95 and 99 % within {:.2f}, {:.2f} and {:.2f} s".format(*quantiles))
        if self.memory_before:
            print(f"Server's memory: {self.memory_before:.0f} MB after one of each, {self.memory():.0f} MB at the end")


@events.init_command_line_parser.add_listener
def _flags(parser: Any) -> None:
    group = parser.add_argument_group("tf_style")
    group.add_argument("--requests", type=int, default=500, help="stop after so many (in all; a worker counts its own)")
    group.add_argument("--sizes", default="64x64,64x96,96x64,128x128,160x96", help="HEIGHTxWIDTH, with commas between")
    group.add_argument("--num_steps", type=int, default=5, help="steps at each scale")
    group.add_argument("--tolerance", type=int, default=0, help="levels of 255 by which a pixel may differ")
    group.add_argument("--deadline", type=float, default=300.0, help="seconds for each request")
    group.add_argument("--server_pid", type=int, default=0, help="process whose memory is reported, if on this machine")


@events.test_start.add_listener
def _start(environment: Any, **_: Any) -> None:
    environment.run = Run(environment)
    try:
        environment.run.paint_alone()
    except Exception as error:  # Locust would log it and go on
        print(f"Not started: {error}")
        environment.process_exit_code = 1
        environment.run.tickets = iter(())
        gevent.spawn(environment.runner.quit)


@events.test_stop.add_listener
def _stop(environment: Any, **_: Any) -> None:
    if environment.run.answered:
        environment.run.report()


class Painter(User):
    """Asks for one painting after the other."""

    wait_time = constant(0)

    def on_start(self) -> None:
        self.run_state = self.environment.run
        self.client = Client(self.environment.host, deadline=self.run_state.options.deadline)
        self.random = random.Random(next(self.run_state.numbers))

    def on_stop(self) -> None:
        self.client.close()

    @task
    def paint(self) -> None:
        self.run_state.take_ticket()
        case = self.random.choice(self.run_state.cases)
        error, answer, started = None, None, time.perf_counter()
        try:
            answer = case.paint(self.client, self.run_state.options.num_steps)
        except Exception as raised:  # whatever it is, it is a failed request
            error = raised
        seconds = time.perf_counter() - started
        if answer is not None:
            error = self._difference(answer, case.answer)
        self.environment.events.request.fire(
            request_type="gRPC",
            name=case.name,
            response_time=1000.0 * seconds,
            response_length=0 if answer is None else answer.nbytes,
            exception=error,
            context={},
        )
        self.run_state.count()

    def _difference(self, answer: np.ndarray, expected: np.ndarray) -> Exception | None:
        largest = np.abs(answer.astype(int) - expected.astype(int)).max()
        if largest <= self.run_state.options.tolerance:
            return None
        return ValueError(f"differs by up to {largest} levels from the answer of the same request alone")
