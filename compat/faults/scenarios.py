"""Disks that are full or break, and replicas that move between them."""

from compat import kit
import broken
import disks
import full
import killed
import moves

SCENARIOS = [
    kit.scenario("full_disk", full.full_disk.__doc__, full.full_disk),
    kit.scenario("stopped_while_full", full.stopped_while_full.__doc__, full.stopped_while_full),
    kit.scenario("killed_while_full", full.killed_while_full.__doc__, full.killed_while_full),
    kit.scenario("joins_while_full", full.joins_while_full.__doc__, full.joins_while_full),
    kit.scenario("killed_on_full_ext4", killed.killed_on_full_ext4.__doc__,
                 killed.killed_on_full_ext4),
    kit.scenario("one_of_two_breaks", broken.one_of_two_breaks.__doc__, broken.one_of_two_breaks,
                 fast=disks.possible()),
    kit.scenario("leaders_move", broken.leaders_move.__doc__, broken.leaders_move),
    kit.scenario("all_break", broken.all_break.__doc__, broken.all_break),
    kit.scenario("moved_by_tools", moves.moved_by_tools.__doc__, moves.moved_by_tools),
    kit.scenario("kill_while_moving", moves.kill_while_moving.__doc__, moves.kill_while_moving),
]
