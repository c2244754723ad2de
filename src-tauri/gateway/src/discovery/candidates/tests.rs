//! Which sockets are asked, and where.

use std::time::Instant;

use super::*;
use crate::discovery::processes::Told;

fn table() -> std::sync::Arc<[RuntimeSpec]> {
    RuntimeSpec::table().expect("runtimes.toml can be read")
}

fn row(id: &str) -> usize {
    table().iter().position(|spec| &*spec.id == id).expect("a row")
}

/// What is asked, given sockets `address process` (0 = not seen), processes `number parent command` and settings.
fn seen(sockets: &[(&str, u32)], family: &[(u32, u32, &str)], interest: &Interest) -> Vec<String> {
    let table = table();
    let mut processes = Processes::default();
    for (number, parent, command) in family {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let told = Told { parent: *parent, name: words[0].clone(), words, ..Told::default() };
        processes.keep(*number, &told, &table, Instant::now());
    }
    let owned = |(index, (address, process)): (usize, &(&str, u32))| {
        let inode = index as u64 + 1;
        (Socket { address: address.parse().expect("an address"), inode, user: 1000 }, (inode, *process))
    };
    let (sockets, owners): (Vec<Socket>, Vec<(u64, u32)>) = sockets.iter().enumerate().map(owned).unzip();
    let owners = owners.into_iter().filter(|(_, process)| *process > 0).collect();
    let line = |(address, candidate): (SocketAddr, Candidate)| {
        let mut line = address.to_string();
        if let Some(process) = candidate.process {
            line += &format!(" by {process}");
        }
        if let Some(instead) = candidate.instead {
            line += &format!(" or {instead}");
        }
        for (set, name) in [
            (candidate.exposed, " exposed"),
            (candidate.expected.only, " only"),
            (candidate.expected.control, " control"),
            (candidate.starting.is_some(), " starting"),
        ] {
            line += if set { name } else { "" };
        }
        if let Some(row) = candidate.must_be {
            line += &format!(" must be {}", table[row].id);
        }
        line + &candidate.prefix
    };
    candidates(&sockets, &owners, &processes, interest, &table).into_iter().map(line).collect()
}

fn usual() -> Interest {
    let mut interest =
        Interest { processes: true, ours: Ours { process: Some(99), ..Ours::default() }, ..Interest::default() };
    for (index, spec) in table().iter().enumerate() {
        for port in &spec.ports {
            interest.ports.entry(*port).or_default().insert(index);
        }
        interest.control.extend(spec.control_ports.iter().map(|port| (*port, index)));
    }
    interest
}

#[track_caller]
fn check(sockets: &[(&str, u32)], family: &[(u32, u32, &str)], expected: &[&str]) {
    assert_eq!(seen(sockets, family, &usual()), expected);
}

#[test]
fn usual_ports_are_asked_whoever_holds_them() {
    check(&[("127.0.0.1:11434", 0)], &[], &["127.0.0.1:11434"]);
    check(&[("127.0.0.1:22", 0), ("127.0.0.1:5432", 0)], &[], &[]);
    check(&[("127.0.0.1:8000", 7)], &[(7, 1, "python3 manage.py")], &["127.0.0.1:8000 by 7"]);
    check(&[("192.168.1.5:11434", 0)], &[], &[]);
    check(&[("127.0.0.1:41343", 0)], &[], &["127.0.0.1:41343 only control"]);
}

#[test]
fn processes_add_their_own_ports() {
    check(&[("127.0.0.1:9000", 7)], &[(7, 1, "llama-server -m x")], &["127.0.0.1:9000 by 7 only"]);
    check(&[("127.0.0.1:9000", 7)], &[(7, 1, "llama-server --api-prefix /pp")], &["127.0.0.1:9000 by 7 only/pp"]);
    // vLLM holds sockets of its own besides the one that its arguments name.
    let vllm = &[(7, 1, "vllm serve x --port 9000")];
    check(&[("127.0.0.1:9000", 7), ("127.0.0.1:45123", 7)], vllm, &["127.0.0.1:9000 by 7 only"]);
    check(&[("127.0.0.1:9000", 7)], &[(7, 1, "sshd")], &[]);
}

#[test]
fn private_engines_are_left_alone() {
    let ollama = &[(5, 1, "ollama serve"), (6, 5, "llama-server --port 50001")];
    check(&[("127.0.0.1:11434", 5), ("127.0.0.1:50001", 6)], ollama, &["127.0.0.1:11434 by 5"]);
    check(&[("127.0.0.1:8081", 6)], ollama, &[]);
    let ours = &[(99, 1, "pointsman serve"), (6, 99, "llama-server --port 8080")];
    check(&[("127.0.0.1:8080", 6)], ours, &[]);
    let helper = &[(5, 1, "lm-studio"), (6, 5, "node llmworker.js")];
    check(&[("127.0.0.1:1234", 6)], helper, &["127.0.0.1:1234 by 6 must be lmstudio"]);
    check(&[("127.0.0.1:33333", 6)], helper, &[]);
}

#[test]
fn both_families_are_one_endpoint() {
    check(&[("0.0.0.0:8080", 0)], &[], &["127.0.0.1:8080 exposed"]);
    check(&[("[::]:8080", 0)], &[], &["127.0.0.1:8080 or [::1]:8080 exposed"]);
    check(&[("[::1]:8080", 0)], &[], &["[::1]:8080"]);
    let one = &[(7, 1, "llama-server")];
    let both = &["127.0.0.1:8080 by 7 or [::1]:8080"];
    check(&[("127.0.0.1:8080", 7), ("[::1]:8080", 7)], one, both);
    check(&[("127.0.0.1:8080", 0), ("[::1]:8080", 0)], &[], &["127.0.0.1:8080 or [::1]:8080"]);
    check(&[("0.0.0.0:8080", 7), ("[::]:8080", 7)], one, &["127.0.0.1:8080 by 7 or [::1]:8080 exposed"]);
    let two = &[(7, 1, "llama-server"), (8, 1, "llama-server")];
    let apart = &["127.0.0.1:8080 by 7", "[::1]:8080 by 8"];
    check(&[("127.0.0.1:8080", 7), ("[::1]:8080", 8)], two, apart);
}

#[test]
fn what_loads_without_a_port_is_starting() {
    let vllm = &[(7, 1, "vllm serve x --port 9000"), (8, 7, "vllm serve x --port 9000")];
    check(&[], vllm, &["127.0.0.1:9000 by 7 starting"]);
    check(&[("127.0.0.1:45123", 8)], vllm, &["127.0.0.1:9000 by 7 starting"]);
    check(&[("127.0.0.1:9000", 7)], vllm, &["127.0.0.1:9000 by 7 only"]);
    check(&[], &[(7, 1, "vllm serve x")], &["127.0.0.1:8000 by 7 starting"]);
    check(&[], &[(7, 1, "vllm serve x --uds /run/v.sock")], &[]);
    check(&[], &[(7, 1, "llama-server")], &[]);
}

#[test]
fn settings_narrow_it() {
    let sockets = &[("127.0.0.1:11434", 0), ("127.0.0.1:9000", 7), ("127.0.0.1:5555", 0)];
    let family = &[(7, 1, "llama-server -m x")];
    let ask = |interest: Interest| seen(sockets, family, &interest);
    let named = Interest { ports: [(5555, BTreeSet::new())].into(), ..Interest::default() };
    assert_eq!(ask(named), ["127.0.0.1:5555"], "only what is named is asked");
    assert_eq!(ask(Interest { processes: false, ..usual() }), ["127.0.0.1:11434"]);
    assert_eq!(ask(Interest { ignored: [row("llamacpp")].into(), ..usual() }), ["127.0.0.1:11434"]);
    assert_eq!(ask(Interest { skipped: [11434].into(), ..usual() }), ["127.0.0.1:9000 by 7 only"]);
}

#[test]
fn the_same_server_goes_on() {
    let candidate = |inodes: &[u64], process: Option<u32>| Candidate {
        inodes: inodes.iter().copied().collect(),
        process,
        ..Candidate::default()
    };
    let check =
        |now: &Candidate, then: &Candidate, expected| assert_eq!(now.continues(then), expected, "{now:?} {then:?}");
    check(&candidate(&[1], Some(7)), &candidate(&[1], Some(7)), true);
    check(&candidate(&[2], Some(7)), &candidate(&[1], Some(7)), false);
    check(&candidate(&[1], Some(8)), &candidate(&[1], Some(7)), false);
    check(&candidate(&[1, 2], None), &candidate(&[1], Some(7)), true);
    check(&candidate(&[], None), &candidate(&[], None), true);
}
