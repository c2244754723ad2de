//! What Pointsman costs: one run, side by side, the same upstream and the same load.
//!
//! `cargo bench --workspace --bench gateway` prints the tables; `-- --quick` takes half a minute and smokes only;
//! `-- --write-readme` puts them into the README. The upstream and the bare proxy are this binary again, told by its
//! first argument. The load is made in this process. It measures and tells; it fails only if something does not run.
#![cfg_attr(target_os = "linux", expect(clippy::print_stdout, reason = "the tables"))]
#![expect(clippy::print_stderr, reason = "what it is doing, apart from the tables")]

#[cfg(target_os = "linux")]
#[path = "../harness/agent_session.rs"]
mod agent_session;
#[cfg(target_os = "linux")]
mod bare;
#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod cores;
#[cfg(target_os = "linux")]
mod held;
#[cfg(target_os = "linux")]
mod leg;
#[cfg(target_os = "linux")]
mod listen;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod nginx;
#[cfg(target_os = "linux")]
mod order;
#[cfg(target_os = "linux")]
mod pointsman;
#[cfg(target_os = "linux")]
mod prefix_cache;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod surface;
#[cfg(target_os = "linux")]
mod translation;
#[cfg(target_os = "linux")]
mod upstream;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let one_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match arguments.as_slice() {
        ["upstream"] => one_thread()?.block_on(upstream::serve()),
        ["bare", upstream] => {
            // The gateway's kind of runtime, with one worker: spawned, or it would run beside the worker.
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(runtime.spawn(bare::serve(upstream.parse()?)))?
        }
        // Cargo gives `--bench` to a bench, not when it only tests that one starts.
        options if options.contains(&"--bench") => {
            let effort = if options.contains(&"--quick") { order::QUICK } else { order::FULL };
            cores::take_first()?;
            let (report, whole) = one_thread()?.block_on(order::run(&effort))?;
            let tables = report.markdown();
            println!("{tables}");
            if options.contains(&"--write-readme") {
                let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
                report::write_into(&readme, &tables)?;
            }
            anyhow::ensure!(whole, "some legs could not be measured");
            Ok(())
        }
        _ => {
            eprintln!("run it with `cargo bench --workspace --bench gateway [-- --quick] [-- --write-readme]`");
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("nothing is measured: the bench reads CPU time and memory as Linux tells them");
}
