"""Disks that are full or break, and replicas that move between them."""

from compat import kit
import moves

SCENARIOS = [
    kit.scenario("moved_by_tools", moves.moved_by_tools.__doc__, moves.moved_by_tools),
    kit.scenario("kill_while_moving", moves.kill_while_moving.__doc__, moves.kill_while_moving),
]
