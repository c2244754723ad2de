//! What a child is started with: arguments, environment, context and threads.
//!
//! Only flags that every llama-server of the last years knows stand on the command line. What newer ones know goes into
//! the environment, where an older one passes it over instead of ending. Nothing is started here.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;

use super::program::Program;
use crate::disk::DiskModel;
use crate::environment::Environment;
use crate::settings::BuiltIn;

/// The most context that is taken unasked: what coding tools want, and what a laptop can compute in bearable time.
const USUAL_CONTEXT: u32 = 32_768;
/// The least context that is worth a start, whatever memory says. It may fit after all: weights are mapped, not copied.
const LEAST_CONTEXT: u32 = 4096;
/// An encoder sees its whole input in one piece, and working memory grows with its square.
const EMBEDDING_CONTEXT: u32 = 2048;

/// Variables that a child may see: where programs and libraries lie, and which GPU is to be used. No key is among them.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "TMPDIR",
    "TMP",
    "TEMP",
    "LANG",
    "LC_ALL",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SystemRoot",
    "SYSTEMROOT",
    "windir",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "PATHEXT",
    "COMSPEC",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
];
/// Beginnings of variables about GPUs and llama.cpp's own computing.
const PASSED_FAMILIES: &[&str] = &[
    "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "ROCM_", "HSA_", "GGML_", "GPU_", "VK_", "VULKAN_", "ONEAPI_", "SYCL_", "ZE_",
    "MESA_", "MTL_",
];
/// Words that make a variable's value private, whatever family it is of.
const PRIVATE: &[&str] = &["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"];

/// All that is needed to start a child but its port.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) program: Program,
    pub(super) model: Arc<DiskModel>,
    pub(super) settings: BuiltIn,
    pub(super) environment: Environment,
    /// What the child asks of its callers.
    pub(super) key: Arc<str>,
}

/// What the machine has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// Bytes that can be had now.
    pub(super) memory: u64,
    /// Threads that can run at once.
    pub(super) threads: usize,
    /// Cores that compute; two threads of one core share its arithmetic.
    pub(super) cores: Option<usize>,
}

impl Machine {
    /// Asks the system, which takes a moment: for a thread that may wait.
    pub(super) fn look() -> Machine {
        Machine {
            memory: crate::machine::memory().1,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cores: sysinfo::System::physical_core_count().ok(),
        }
    }
}

impl Launch {
    /// The command for a child on this port.
    pub(super) fn command(&self, port: u16, machine: &Machine) -> Command {
        let context = context(&self.model, &self.settings, machine.memory);
        let mut command = Command::new(&self.program.path);
        command.args(self.program.command);
        command.arg("--model").arg(&self.model.path);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--alias", &alias(&self.model.id)]);
        command.args(["--ctx-size", &context.to_string()]);
        command.args(["--threads", &threads(&self.settings, machine).to_string()]);
        let header = &self.model.header;
        if header.is_embedding() || header.is_rerank() {
            command.args(["--embeddings", "--pooling", pooling(&self.model)]);
        } else {
            command.arg("--jinja");
        }
        if let Some(projector) = &self.model.projector {
            command.arg("--mmproj").arg(projector);
        }
        command.env_clear();
        command.envs(
            self.environment
                .names()
                .filter(|name| is_passed(name))
                .filter_map(|name| Some((name, self.environment.get(name)?))),
        );
        // Every page in a browser could ask a server without a key, and read what others asked in its slots. Arguments
        // can be read by every user of the machine; the environment cannot.
        command.env("LLAMA_API_KEY", &*self.key);
        command.envs([("LLAMA_ARG_ENDPOINT_SLOTS", "0"), ("LLAMA_ARG_UI", "0"), ("LLAMA_ARG_OFFLINE", "1")]);
        // The store of earlier prompts is 8 GiB if one says nothing, which is all that a laptop has.
        let store = (machine.memory >> 23).clamp(64, 8192).to_string();
        command.env("LLAMA_ARG_CACHE_RAM", store);
        if header.is_embedding() || header.is_rerank() {
            command.env("LLAMA_ARG_BATCH", context.to_string()).env("LLAMA_ARG_UBATCH", context.to_string());
        }
        // It must not depend on our folder, which may be unmounted, nor keep it from being removed.
        command.current_dir(self.model.path.parent().unwrap_or(Path::new("/")));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(windows)]
        command.creation_flags(0x0800_0000); // CREATE_NO_WINDOW
        command
    }
}

/// The name that the child answers with. A comma would part it into two.
pub(super) fn alias(id: &str) -> String {
    id.replace(',', "_")
}

fn is_passed(name: &str) -> bool {
    let named = PASSED.contains(&name) || PASSED_FAMILIES.iter().any(|family| name.starts_with(family));
    let upper = name.to_uppercase();
    named && !PRIVATE.iter().any(|word| upper.contains(word))
}

/// As the settings say; else what the model was trained for, as far as it fits into half of the memory that is left.
fn context(model: &DiskModel, settings: &BuiltIn, memory: u64) -> u32 {
    let header = &model.header;
    let trained = header.trained_context.filter(|trained| *trained > 0);
    if settings.context > 0 {
        return settings.context.min(trained.unwrap_or(u32::MAX));
    }
    if header.is_embedding() || header.is_rerank() {
        return EMBEDDING_CONTEXT.min(trained.unwrap_or(512));
    }
    let most = trained.unwrap_or(LEAST_CONTEXT).min(USUAL_CONTEXT);
    let fits = |context: &u32| model.memory_estimate(*context).is_none_or(|bytes| bytes <= memory / 2);
    std::iter::successors(Some(most), |context| Some(context / 2))
        .take_while(|context| *context > LEAST_CONTEXT)
        .find(fits)
        .unwrap_or(LEAST_CONTEXT.min(most))
}

/// One thread for each core that computes, and never all: with all of them taken, each step waits for the slowest one,
/// and so does everything else on the machine.
fn threads(settings: &BuiltIn, machine: &Machine) -> usize {
    let most = machine.threads.saturating_sub(1).max(1);
    match settings.threads {
        0 => machine.cores.unwrap_or(most).clamp(1, most),
        threads => usize::from(threads).min(most),
    }
}

fn pooling(model: &DiskModel) -> &'static str {
    let header = &model.header;
    match header.pooling_type {
        _ if header.is_rerank() => "rank",
        Some(2) => "cls",
        Some(3) => "last",
        // OpenAI's embeddings are one vector a text, so there must be some pooling.
        _ => "mean",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::tests::model;
    use crate::disk::gguf::fixture::Gguf;
    use crate::settings::Settings;

    const GIB: u64 = 1 << 30;

    fn settings(context: u32, threads: u16) -> BuiltIn {
        BuiltIn { context, threads, ..Settings::default().builtin }
    }

    /// A chat model of 4 KiB a token in memory, without weights to speak of.
    fn chat(trained: u32) -> DiskModel {
        let gguf = Gguf::new("llama").number("llama.context_length", trained).number("llama.block_count", 1);
        let gguf = gguf.number("llama.embedding_length", 1024).number("llama.attention.head_count", 8);
        model("chat", &gguf.tensor(0))
    }

    #[test]
    fn the_context_is_what_fits() {
        let check = |trained, asked, memory, expected| {
            assert_eq!(context(&chat(trained), &settings(asked, 0), memory), expected, "{trained} {asked} {memory}");
        };
        check(2048, 0, 64 * GIB, 2048);
        check(131_072, 0, 64 * GIB, 32_768);
        check(131_072, 0, GIB / 4, 16_384);
        check(131_072, 0, GIB / 64, 4096);
        check(131_072, 0, 0, 4096);
        check(131_072, 100_000, 0, 100_000);
        check(8192, 100_000, 0, 8192);
    }

    #[test]
    fn threads_leave_one_free() {
        let check = |asked, threads, cores, expected| {
            let machine = Machine { memory: 0, threads, cores };
            assert_eq!(
                super::threads(&settings(0, asked), &machine),
                expected,
                "{asked} of {threads}, {cores:?} cores"
            );
        };
        check(0, 1, Some(1), 1);
        check(0, 2, Some(2), 1);
        check(0, 8, Some(8), 7);
        check(0, 16, Some(8), 8);
        check(0, 8, None, 7);
        check(0, 2, Some(64), 1);
        check(3, 8, Some(8), 3);
        check(8, 8, Some(8), 7);
        check(64, 1, Some(64), 1);
    }

    #[test]
    fn no_key_reaches_the_child() {
        for name in
            ["PATH", "HOME", "CUDA_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES", "HSA_OVERRIDE_GFX_VERSION", "TMPDIR"]
        {
            assert!(is_passed(name), "{name}");
        }
        for name in
            ["OPENAI_API_KEY", "HF_TOKEN", "NVIDIA_API_KEY", "CUDA_AUTH", "SSH_AUTH_SOCK", "LLAMA_ARG_MODEL", "EDITOR"]
        {
            assert!(!is_passed(name), "{name}");
        }
    }

    fn arguments(model: DiskModel) -> String {
        let launch = Launch {
            program: Program { path: "/bin/llama".into(), command: &["serve"] },
            model: Arc::new(model),
            settings: settings(0, 0),
            environment: Environment::default(),
            key: "secret".into(),
        };
        let command = launch.command(4000, &Machine { memory: GIB, threads: 4, cores: None });
        let arguments: Vec<_> = command.as_std().get_args().map(|argument| argument.to_str().unwrap()).collect();
        arguments.join(" ")
    }

    #[test]
    fn arguments_say_what_the_model_is_for() {
        let mut seeing = model("a,b", &Gguf::chat());
        seeing.projector = Some("/models/mmproj.gguf".into());
        let expected = "serve --model /models/a,b.gguf --host 127.0.0.1 --port 4000 --alias a_b --ctx-size 2048 \
                        --threads 3 --jinja --mmproj /models/mmproj.gguf";
        assert_eq!(arguments(seeing), expected);
        let check = |gguf: Gguf, expected: &str| {
            let arguments = arguments(model("e", &gguf));
            assert!(arguments.ends_with(expected), "{arguments}");
        };
        check(Gguf::model("bert"), "--ctx-size 2048 --threads 3 --embeddings --pooling mean");
        check(Gguf::model("bert").number("bert.pooling_type", 2), "--embeddings --pooling cls");
        check(Gguf::model("qwen3").number("qwen3.pooling_type", 3), "--embeddings --pooling last");
        check(Gguf::model("bert").number("bert.pooling_type", 4), "--embeddings --pooling rank");
    }
}
