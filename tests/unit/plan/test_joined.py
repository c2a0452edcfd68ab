"""What one call does of a plan: laws over generated pairs, policies and histories of a server."""

from __future__ import annotations

from generated_pairs import pairs
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated_server import MlError, Server
from test_laws import Scene, end_of, live_on, run, scenes, settle
from test_verification import eager

from anomalyops.plan import CreateDatafeed, CreateJob, CreatePair, DesiredDatafeed, Joint, Policy, joined


def steps_of(call):
    return call.steps if isinstance(call, Joint) else (call,)


creating = scenes().map(eager).filter(lambda scene: any(isinstance(call, Joint) for call in joined(scene.plan().steps)))


@given(scenes())
def test_every_step_is_in_one_call_and_in_its_place(scene):
    steps = scene.plan().steps
    assert tuple(step for call in joined(steps) for step in steps_of(call)) == steps


@given(pairs)
def test_a_new_pair_is_created_by_one_call(desired):
    calls = list(joined(Scene(Server(), desired, Policy()).plan().steps))
    assert isinstance(calls[0], CreatePair if isinstance(desired.datafeed, DesiredDatafeed) else CreateJob)
    assert not any(isinstance(call, CreateDatafeed) for call in calls)


@given(creating)
def test_what_is_sent_together_is_what_would_be_sent_alone(scene):
    together, alone = scene.server.copy(), scene.server.copy()
    for call in joined(scene.plan().steps):
        together.execute_joined(call)
    run(alone, scene.plan().steps)
    assert end_of(together) == end_of(alone)
    assert scene.plan(together).empty


@given(creating, st.integers(0, 2), st.booleans())
def test_a_server_that_stops_in_the_middle_of_a_call_reaches_the_same_end(scene, stops, refused):
    """It has done nothing, the job, or the job that it did not come to take back."""
    steps = scene.plan().steps
    reference = scene.server.copy()
    run(reference, steps)
    live_on(scene, reference)
    server = scene.server.copy()
    for call in joined(steps):
        if isinstance(call, Joint):
            server.refuses = "datafeed" if refused else ""
            server.execute_joined(call, stops=stops)
            break
        server.execute_joined(call)
    server.refuses = ""
    settle(scene, server)
    live_on(scene, server)
    assert end_of(server) == end_of(reference)


@given(creating, st.sampled_from(["job", "datafeed"]))
def test_a_refused_call_leaves_nothing_and_its_steps_alone_tell_which_is_refused(scene, refuses):
    """As if nothing had been joined: the job of a refused datafeed is there, and the refusal is the datafeed's."""
    server, alone = scene.server.copy(), scene.server.copy()
    calls = list(joined(scene.plan().steps))
    first = next(number for number, call in enumerate(calls) if isinstance(call, Joint))
    for call in calls[:first]:
        server.execute_joined(call)
        run(alone, [call])
    server.refuses = alone.refuses = refuses
    before = end_of(server)
    try:
        server.execute_joined(calls[first])
    except MlError:
        assert end_of(server) == before
    else:
        assume(False)
    assert blamed(server, calls[first].steps) is blamed(alone, calls[first].steps)
    assert end_of(server) == end_of(alone)


def blamed(server, steps):
    """Sends steps one after the other; the kind of the one that is refused."""
    for step in steps:
        try:
            server.execute(step)
        except MlError:
            return type(step)
    return None
