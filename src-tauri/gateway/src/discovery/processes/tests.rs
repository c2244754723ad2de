//! Which runtime a process is, and whose engine.

use super::*;

fn table() -> std::sync::Arc<[RuntimeSpec]> {
    RuntimeSpec::table().expect("runtimes.toml can be read")
}

fn told(parent: u32, command: &[&str]) -> Told {
    Told {
        parent,
        name: command.first().map(|path| base(path)).unwrap_or_default(),
        words: command.iter().map(|&word| word.to_owned()).collect(),
        variables: BTreeSet::new(),
    }
}

/// What a process is: `runtime:port prefix flags`, or nothing.
fn seen(command: &[&str]) -> String {
    let table = table();
    let told = told(1, command);
    let Some(runner) = runner(&told, &program(&told.words), &table) else {
        return String::new();
    };
    let flags = [
        (runner.embeddings, " embeddings"),
        (runner.rerank, " rerank"),
        (runner.unix_socket, " unix"),
        (runner.engine, " engine"),
    ];
    let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    let port = runner.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}{}{flags}", table[runner.row].id, runner.prefix)
}

#[track_caller]
fn check(command: &str, expected: &str) {
    assert_eq!(seen(&command.split(' ').collect::<Vec<_>>()), expected, "{command}");
}

#[test]
fn names_and_arguments() {
    check("/usr/local/bin/ollama serve", "ollama");
    check("ollama start", "ollama");
    check("ollama run qwen3", "");
    check("ollama runner --model /x/blobs/sha256-1 --port 34171", "");
    check("/opt/llama-server -m a.gguf --port 9001", "llamacpp:9001");
    check("llama-server --port=9001 --api-prefix /pp/", "llamacpp:9001/pp");
    check("llama-server --port 1 --port 2", "llamacpp:2");
    check("llama-server --port 0", "llamacpp");
    check("llama-server --port", "llamacpp");
    check("llama-server --host /run/x.sock", "llamacpp unix");
    check("llama-server --embeddings", "llamacpp embeddings");
    check("llama-server --reranking", "llamacpp rerank");
    check("llama-server --api-prefix ../etc", "llamacpp");
    check("llama serve --port 81", "llamacpp:81");
    check("llama cli", "");
    check("C:\\llama\\llama-server.exe --port 8081", "llamacpp:8081");
    check("/home/u/models/llava.llamafile --server --port 8088", "llamafile:8088");
    check("/usr/bin/ape /home/u/llava.llamafile --port 8088", "llamafile:8088");
    check("/home/u/.ape-1.10 /home/u/llava.llamafile", "llamafile");
    check("/usr/bin/python3 /venv/bin/vllm serve Qwen/Qwen3-8B --port 8001", "vllm:8001");
    check("python3.11 -u -m vllm.entrypoints.openai.api_server --port 7000", "vllm:7000");
    check("vllm serve x --uds /run/vllm.sock", "vllm unix");
    check("VLLM::EngineCore", "");
    check("python3 -m sglang.launch_server --port 30001", "sglang:30001");
    check("python -m mlx_lm server --port 8123", "mlx-lm:8123");
    check("python koboldcpp.py --port 5005", "koboldcpp:5005");
    check("llama-swap --listen :8099 --config c.yaml", "llama-swap:8099");
    check("local-ai run --address 127.0.0.1:8090", "localai:8090");
    check("python3 manage.py runserver", "");
    check("node server.js", "");
    check("python3", "");
    check("", "");
    assert_eq!(seen(&["/Applications/LM Studio.app/Contents/MacOS/LM Studio"]), "lmstudio");
    assert_eq!(seen(&[]), "");
}

#[test]
fn engines_of_ollama_say_so() {
    check("/usr/local/lib/ollama/llama-server --port 50000", "llamacpp:50000 engine");
    check("llama-server --model /u/.ollama/models/blobs/sha256-0a8c --port 50000", "llamacpp:50000 engine");
    check("llama-server --model /u/models/a.gguf", "llamacpp");
}

/// A family of processes, `number parent command`, the last one in question.
#[track_caller]
fn check_standing(family: &[(u32, u32, &[&str])], expected: &str) {
    let table = table();
    let mut processes = Processes::default();
    for (number, parent, command) in family {
        processes.keep(*number, &told(*parent, command), &table, Instant::now());
    }
    let (number, _, command) = family.last().expect("somebody");
    let standing = match processes.standing(*number, &Ours { process: Some(99), let_go: [66].into() }, &table) {
        Standing::Free => "free".to_owned(),
        Standing::Private => "private".to_owned(),
        Standing::Helper(row) => format!("helper of {}", table[row].id),
    };
    assert_eq!(standing, expected, "{command:?}");
}

#[test]
fn private_children() {
    check_standing(&[(1, 0, &["init"]), (5, 1, &["ollama", "serve"])], "free");
    check_standing(
        &[(4, 1, &["/Applications/Ollama.app/Contents/MacOS/Ollama"]), (5, 4, &["ollama", "serve"])],
        "free",
    );
    check_standing(&[(5, 1, &["ollama", "serve"]), (6, 5, &["llama-server", "--port", "50001"])], "private");
    check_standing(&[(5, 1, &["ollama", "serve"]), (6, 5, &["sh"]), (7, 6, &["llama-server"])], "private");
    check_standing(&[(5, 1, &["llama-server"]), (6, 5, &["llama-server", "--port", "40215"])], "private");
    check_standing(&[(5, 1, &["/opt/LM Studio"]), (6, 5, &["node", "llmworker.js"])], "helper of lmstudio");
    check_standing(&[(5, 1, &["/opt/LM Studio"]), (6, 5, &["/opt/LM Studio", "--type=utility"])], "free");
    check_standing(&[(5, 1, &["Jan"]), (6, 5, &["llama-server"])], "private");
    check_standing(&[(5, 1, &["llama-swap"]), (6, 5, &["vllm", "serve", "x"])], "private");
    check_standing(&[(99, 1, &["pointsman", "serve"]), (6, 99, &["llama-server"])], "private");
    check_standing(&[(98, 1, &["bash"]), (6, 98, &["llama-server"])], "free");
    // Started for the user: as if he had.
    check_standing(&[(99, 1, &["pointsman", "serve"]), (66, 99, &["llama-server"])], "free");
    check_standing(&[(99, 1, &["pointsman", "serve"]), (66, 99, &["sh"]), (7, 66, &["llama-server"])], "free");
    check_standing(
        &[(99, 1, &["pointsman", "serve"]), (66, 99, &["ollama", "serve"]), (7, 66, &["llama-server"])],
        "private",
    );
    check_standing(&[(5, 1, &["vllm", "serve", "x"]), (6, 5, &["vllm", "serve", "x"])], "free");
    // A circle in the table of processes is no reason to hang.
    check_standing(&[(5, 6, &["bash"]), (6, 5, &["llama-server"])], "free");
}

#[test]
fn the_topmost_of_several_holders() {
    let table = table();
    let mut processes = Processes::default();
    for (number, parent) in [(10, 1), (11, 10), (12, 11), (20, 1)] {
        processes.keep(number, &told(parent, &["vllm", "serve"]), &table, Instant::now());
    }
    assert_eq!(processes.topmost(&[12, 11, 10]), Some(10));
    assert_eq!(processes.topmost(&[12]), Some(12));
    assert_eq!(processes.topmost(&[]), None);
}

#[test]
#[cfg(target_os = "linux")]
fn finds_who_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut processes = Processes::default();
    processes.refresh(&table(), Instant::now());
    let sockets: Vec<Socket> =
        crate::discovery::ports::listening().unwrap().into_iter().filter(|it| it.address == address).collect();
    let inode = sockets.first().expect("it is in the table").inode;
    let me: BTreeMap<u64, u32> = [(inode, std::process::id())].into();
    assert_eq!(processes.owners(&sockets), me, "this test listens");
    assert_eq!(processes.owners(&sockets), me, "and it is remembered");
    assert_eq!(processes.owners(&[]), BTreeMap::new(), "until the socket is gone");
}
