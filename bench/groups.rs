//! Many members of a group, and many groups: what a rebalance takes, and what members cost that
//! only live.

use crate::brokers::{Broker, System};
use crate::load::Connection;
use crate::member::{ID_REQUIRED, Member};
use crate::table::Table;
use kafka_protocol::protocol::StrBytes;
use std::io;
use std::time::Instant;

/// Members in the one group, and groups of one member, at scale 1.
const MEMBERS: f64 = 1000.0;
/// Rounds of heartbeats, or of commits, of everybody.
const ROUNDS: usize = 20;
const REBALANCE_IN_PROGRESS: i16 = 27;

/// Runs all of it.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    let broker = &system.start(&[])?;
    let count = (MEMBERS * scale).max(20.0) as usize;
    let mut admin = Connection::open(broker.port)?;
    admin.create_topic_of("groups", count as i32, &[])?;
    let members: io::Result<Vec<Member>> = (0..count).map(|_| Member::new(broker.port)).collect();
    let members = &mut members?;
    table.put("members, and groups of one member", "number", count as f64);
    // Once to warm up: a JVM compiles what it runs.
    large(broker, members, "warm", &mut Table::default())?;
    large(broker, members, "large", table)?;
    small(broker, members, "warm", &mut Table::default())?;
    small(broker, members, "small", table)?;
    // Kafka 3.9 with ZooKeeper refuses groups of KIP-848.
    if matches!(system, System::Ottla(_)) {
        modern(broker, members, table)?;
    }
    Ok(())
}

/// Time and CPU of the broker meanwhile, as two figures.
fn cost(
    broker: &Broker,
    table: &mut Table,
    what: &str,
    during: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let (cpu, began) = (broker.cpu_seconds(), Instant::now());
    during()?;
    table.put(what, "ms", began.elapsed().as_secs_f64() * 1e3);
    table.put(what, "CPU ms", (broker.cpu_seconds() - cpu) * 1e3);
    Ok(())
}

/// One classic group of all members.
fn large(
    broker: &Broker,
    members: &mut [Member],
    group: &str,
    table: &mut Table,
) -> io::Result<()> {
    members.iter_mut().for_each(|member| member.turn_to(group));
    let founder = &mut members[0];
    founder.await_coordinator()?;
    first_join(founder)?;
    founder.send_join()?;
    let (error, known) = founder.joined()?;
    assert_eq!((error, known.len()), (0, 1), "it founds the group alone");
    founder.send_sync(&known)?;
    founder.synced()?;
    // The founder joins again when all others have: so the group rebalances exactly once.
    cost(broker, table, "a classic group: all join", || {
        let others = &mut members[1..];
        others.iter_mut().try_for_each(Member::send_join)?;
        others.iter_mut().try_for_each(|m| m.joined().map(|(e, _)| assert_eq!(e, ID_REQUIRED)))?;
        others.iter_mut().try_for_each(Member::send_join)?;
        members[0].send_join()?;
        complete(members)
    })?;
    cost(broker, table, "a classic group: 20 heartbeats of each", || {
        (0..ROUNDS).try_for_each(|_| heartbeats(members, 0))
    })?;
    let (last, rest) = members.split_last_mut().expect("members");
    cost(broker, table, "a classic group: one leaves", || {
        last.leave()?;
        heartbeats(rest, REBALANCE_IN_PROGRESS)?;
        rest.iter_mut().try_for_each(Member::send_join)?;
        complete(rest)
    })?;
    rest.iter_mut().try_for_each(Member::leave)
}

/// The join that only gives an id.
fn first_join(member: &mut Member) -> io::Result<()> {
    member.send_join()?;
    assert_eq!(member.joined()?.0, ID_REQUIRED);
    Ok(())
}

/// All have joined: reads the answers, and everybody syncs, the leader last.
fn complete(members: &mut [Member]) -> io::Result<()> {
    let mut led: Option<(usize, Vec<StrBytes>)> = None;
    for (at, member) in members.iter_mut().enumerate() {
        let (error, known) = member.joined()?;
        assert_eq!(error, 0);
        if !known.is_empty() {
            assert!(led.replace((at, known)).is_none(), "one leader");
        }
    }
    let (leader, known) = led.expect("a leader");
    assert_eq!(known.len(), members.len());
    for (_, member) in members.iter_mut().enumerate().filter(|(at, _)| *at != leader) {
        member.send_sync(&[])?;
    }
    members[leader].send_sync(&known)?;
    members.iter_mut().try_for_each(Member::synced)
}

/// A heartbeat of everybody, all answered so.
fn heartbeats(members: &mut [Member], answer: i16) -> io::Result<()> {
    members.iter_mut().try_for_each(Member::send_heartbeat)?;
    members.iter_mut().try_for_each(|m| m.heard().map(|error| assert_eq!(error, answer)))
}

/// As many classic groups as members.
fn small(
    broker: &Broker,
    members: &mut [Member],
    prefix: &str,
    table: &mut Table,
) -> io::Result<()> {
    for (n, member) in members.iter_mut().enumerate() {
        member.turn_to(&format!("{prefix}-{n}"));
        member.await_coordinator()?;
    }
    cost(broker, table, "groups of one: all join and sync", || {
        members.iter_mut().try_for_each(Member::send_join)?;
        members.iter_mut().try_for_each(|m| m.joined().map(|(e, _)| assert_eq!(e, ID_REQUIRED)))?;
        members.iter_mut().try_for_each(Member::send_join)?;
        for member in members.iter_mut() {
            let (error, known) = member.joined()?;
            assert_eq!((error, known.len()), (0, 1));
            member.send_sync(&known)?;
        }
        members.iter_mut().try_for_each(Member::synced)
    })?;
    cost(broker, table, "groups of one: 20 heartbeats of each", || {
        (0..ROUNDS).try_for_each(|_| heartbeats(members, 0))
    })?;
    cost(broker, table, "groups of one: 20 commits of each", || {
        for round in 0..ROUNDS {
            members.iter_mut().try_for_each(|m| m.send_commit(round as i64))?;
            members.iter_mut().try_for_each(Member::committed)?;
        }
        Ok(())
    })?;
    members.iter_mut().try_for_each(Member::leave)
}

/// One group of KIP-848 of all members, each of which gets one partition.
fn modern(broker: &Broker, members: &mut [Member], table: &mut Table) -> io::Result<()> {
    members.iter_mut().for_each(|member| member.turn_to("modern"));
    cost(broker, table, "a KIP-848 group: all join", || {
        let rounds = settle(members)?;
        eprintln!("    {rounds} rounds of heartbeats");
        Ok(())
    })?;
    assert!(members.iter().all(|m| m.partitions() == 1), "each its part");
    cost(broker, table, "a KIP-848 group: 20 heartbeats of each", || {
        (0..ROUNDS).try_for_each(|_| beats(members).map(|news| assert_eq!(news, 0)))
    })?;
    let (last, rest) = members.split_last_mut().expect("members");
    cost(broker, table, "a KIP-848 group: one leaves", || {
        last.send_beat(true)?;
        last.beaten()?;
        settle(rest).map(drop)
    })?;
    assert_eq!(rest.iter().map(Member::partitions).sum::<usize>(), rest.len() + 1);
    Ok(())
}

/// A heartbeat of everybody; for how many it brought news.
fn beats(members: &mut [Member]) -> io::Result<usize> {
    members.iter_mut().try_for_each(|member| member.send_beat(false))?;
    let mut news = 0;
    for member in members {
        news += usize::from(member.beaten()?);
    }
    Ok(news)
}

/// Heartbeats of everybody until there is no more news; how many.
fn settle(members: &mut [Member]) -> io::Result<usize> {
    let mut rounds = 1;
    while beats(members)? != 0 {
        rounds += 1;
    }
    Ok(rounds)
}
