//! Runtimes that are installed and do not run.

use std::os::unix::fs::PermissionsExt as _;

use pointsman_gateway::control::{Command, Snapshot};

use super::{done, refused, start};
use crate::harness::runtime::parts;
use crate::harness::{Ask, Gateway, Options, Port, bounded, signal};

/// A program in this folder that does so when it is run.
fn program(folder: &std::path::Path, name: &str, script: &str) {
    let path = folder.join(name);
    std::fs::write(&path, script).expect("a program");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a program that can be run");
}

#[test]
fn an_installed_runtime_is_started_once_and_outlives_the_gateway() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let bin = tempfile::tempdir().expect("a folder");
        let port = Port::reserve();
        let number = port.number();
        // A real Ollama under the name of a runtime that no other test runs.
        let server = format!(
            "#!/bin/sh\necho started >> \"$HOME/starts\"\necho \"key: $OPENAI_API_KEY\"\n\
             OLLAMA_HOST=127.0.0.1:{number} exec {} serve\n",
            parts.ollama().display()
        );
        program(bin.path(), "koboldcpp", &server);
        drop(port);
        let options = Options::new()
            .processes()
            .variable("PATH", &format!("{}:/usr/bin:/bin", bin.path().display()))
            .variable("OPENAI_API_KEY", "sk-of-the-user");
        let mut gateway = Gateway::start(options).await;
        let installed = |now: &Snapshot| now.installed.iter().any(|it| &*it.runtime == "koboldcpp");
        gateway.until("it to be found as installed", installed).await;
        done(&gateway, start("koboldcpp")).await;
        done(&gateway, start("koboldcpp")).await;
        let id = format!("ollama@{number}");
        let snapshot = gateway.until("it to be found", |now| now.endpoints.iter().any(|it| it.id == id)).await;
        let process = snapshot.endpoints.iter().find(|it| it.id == id).and_then(|it| it.process).expect("its process");
        let starts = std::fs::read_to_string(gateway.root().join("home/starts")).expect("its mark");
        assert_eq!(starts, "started\n", "never twice while it starts");
        let log = gateway.root().join("data/pointsman/logs/koboldcpp.log");
        let log = std::fs::read_to_string(&log).expect("its log");
        assert!(log.starts_with("key: \n"), "it sees no provider's key: {log}");
        refused(&gateway, start("vllm"), "not installed").await;

        gateway.tell(&Command::Stop).await;
        gateway.ended().await;
        Ask::get("/api/version").send(number).await.expect(200).await;
        signal(process, "KILL").await;
    });
}

#[test]
fn what_cannot_start_is_told() {
    bounded(async {
        let bin = tempfile::tempdir().expect("a folder");
        program(bin.path(), "koboldcpp", "#!/bin/sh\necho 'no GPU was found'\nexit 3\n");
        program(bin.path(), "local-ai", "#!/nowhere/at/all\n");
        let path = format!("{}:/usr/bin:/bin", bin.path().display());
        let gateway = Gateway::start(Options::new().variable("PATH", &path)).await;
        gateway.until("both to be found as installed", |now| now.installed.len() >= 2).await;
        refused(&gateway, start("localai"), "cannot be started").await;
        done(&gateway, start("koboldcpp")).await;
        let told =
            |now: &Snapshot| now.refused.iter().any(|it| it.reason.contains("exit status: 3): no GPU was found"));
        gateway.until("its last words", told).await;
        // It has ended, so that it may be tried again.
        program(bin.path(), "koboldcpp", "#!/bin/sh\nexec cat\n");
        done(&gateway, start("koboldcpp")).await;
        gateway.until("the old words to be gone", |now| !told(now)).await;
    });
}
