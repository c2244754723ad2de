//! GPUs with memory of their own: NVIDIA's by their driver's library, AMD's by the kernel's files.
//!
//! A GPU that shares the machine's memory is no row. Where there is neither driver nor file there is nothing to see, and that
//! is no fault.

use std::fs;
use std::path::Path;

use crate::control::Gpu;
use crate::discovery::text;

/// Where Linux shows graphics cards.
const CARDS: &str = "/sys/class/drm";
/// Where Linux shows the cards that NVIDIA's driver has.
#[cfg(target_os = "linux")]
const NVIDIA: &str = "/sys/bus/pci/drivers/nvidia";
/// Less than this is what a processor's own graphics keep aside.
const LEAST: u64 = 1 << 30;

/// The way to ask them. A card stays awake while it is held.
pub(super) struct Gpus {
    #[cfg(any(target_os = "linux", windows))]
    nvidia: Option<Box<nvml_wrapper::Nvml>>,
}

impl Gpus {
    /// Looks for drivers. The first time may take a second.
    pub(super) fn open() -> Gpus {
        Gpus {
            #[cfg(any(target_os = "linux", windows))]
            nvidia: nvidia(),
        }
    }

    /// Each GPU now.
    pub(super) fn read(&self) -> Vec<Gpu> {
        #[cfg(any(target_os = "linux", windows))]
        let mut gpus: Vec<Gpu> = self.nvidia.as_deref().map(nvidias).unwrap_or_default();
        #[cfg(not(any(target_os = "linux", windows)))]
        let mut gpus: Vec<Gpu> = Vec::new();
        gpus.extend(amds(Path::new(CARDS)));
        gpus
    }
}

#[cfg(any(target_os = "linux", windows))]
fn nvidia() -> Option<Box<nvml_wrapper::Nvml>> {
    // A laptop's card that sleeps is not woken to be asked what it holds.
    #[cfg(target_os = "linux")]
    if all_sleep(Path::new(NVIDIA)) {
        return None;
    }
    let nvml = nvml_wrapper::Nvml::init();
    nvml.inspect_err(|error| tracing::debug!(%error, "no NVIDIA driver is asked")).ok().map(Box::new)
}

#[cfg(any(target_os = "linux", windows))]
fn nvidias(nvml: &nvml_wrapper::Nvml) -> Vec<Gpu> {
    let count = nvml.device_count().unwrap_or(0);
    let one = |index| {
        let device = nvml.device_by_index(index).ok()?;
        let name = text::fact(&device.name().ok()?)?;
        // Not told where the memory is the machine's own.
        let memory = device.memory_info().ok()?;
        Some(Gpu { name, memory_total: memory.total, memory_free: memory.free })
    };
    (0..count).filter_map(one).collect()
}

#[cfg(target_os = "linux")]
fn all_sleep(driver: &Path) -> bool {
    let states = fs::read_dir(driver).into_iter().flatten().flatten();
    let states = states.filter_map(|card| fs::read_to_string(card.path().join("power/runtime_status")).ok());
    let mut states = states.peekable();
    states.peek().is_some() && states.all(|state| state.trim() == "suspended")
}

fn amds(cards: &Path) -> Vec<Gpu> {
    let names = fs::read_dir(cards).into_iter().flatten().flatten();
    // `card0`, and not its connectors: `card0-DP-1`.
    let mut numbers: Vec<u32> =
        names.filter_map(|it| it.file_name().to_str()?.strip_prefix("card")?.parse().ok()).collect();
    numbers.sort_unstable();
    let one = |number| {
        let device = cards.join(format!("card{number}/device"));
        let read = |file: &str| fs::read_to_string(device.join(file)).ok();
        let bytes = |file: &str| read(file)?.trim().parse::<u64>().ok();
        let total = bytes("mem_info_vram_total").filter(|total| *total >= LEAST)?;
        let used = bytes("mem_info_vram_used")?;
        let name = read("product_name").as_deref().and_then(text::fact).unwrap_or_else(|| "AMD GPU".to_owned());
        Some(Gpu { name, memory_total: total, memory_free: total.saturating_sub(used) })
    };
    numbers.into_iter().filter_map(one).collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn amds_cards_are_read_from_the_kernels_files() {
        let cards = tempfile::tempdir().unwrap();
        let put = |card: &str, files: &[(&str, &str)]| {
            let device = cards.path().join(card).join("device");
            fs::create_dir_all(&device).unwrap();
            files.iter().for_each(|(name, value)| fs::write(device.join(name), format!("{value}\n")).unwrap());
        };
        let whole = [("mem_info_vram_total", "17163091968"), ("mem_info_vram_used", "163091968")];
        put("card1", &whole);
        put("card1-DP-1", &whole);
        put("card0", &[("vendor", "0x8086")]);
        put("card10", &[("mem_info_vram_total", "17163091968")]);
        put("card2", &[("mem_info_vram_total", "536870912"), ("mem_info_vram_used", "0")]);
        put("card3", &[&whole[..], &[("product_name", "Radeon PRO W7900")]].concat());
        let seen: Vec<String> =
            amds(cards.path()).iter().map(|gpu| format!("{} {}", gpu.name, gpu.memory_free)).collect();
        assert_eq!(seen, ["AMD GPU 17000000000", "Radeon PRO W7900 17000000000"]);
        assert!(amds(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn a_card_that_sleeps_is_left_alone() {
        let driver = tempfile::tempdir().unwrap();
        let check = |states: &[&str], expected: bool| {
            for (number, state) in states.iter().enumerate() {
                let power = driver.path().join(format!("0000:0{number}:00.0/power"));
                fs::create_dir_all(&power).unwrap();
                fs::write(power.join("runtime_status"), format!("{state}\n")).unwrap();
            }
            assert_eq!(all_sleep(driver.path()), expected, "{states:?}");
        };
        check(&[], false);
        check(&["suspended"], true);
        check(&["active"], false);
        check(&["suspended", "active"], false);
        check(&["suspended", "suspended"], true);
    }
}
