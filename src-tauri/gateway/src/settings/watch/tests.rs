use std::fs;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// A settings file with somebody who follows it.
struct Followed {
    folder: TempDir,
    path: PathBuf,
    loaded: watch::Receiver<Arc<Loaded>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Followed {
    fn start(below: &str, prepare: impl FnOnce(&Path)) -> Followed {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(below);
        prepare(&path);
        let (publish, loaded) = watch::channel(Arc::new(Loaded::first(&path)));
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(path.clone(), publish, stop.clone()));
        Followed { folder, path, loaded, stop, task }
    }

    /// Waits until the settings are so.
    async fn until(&mut self, what: &str, holds: impl Fn(&Loaded) -> bool) -> Arc<Loaded> {
        let waited = timeout(Duration::from_secs(20), self.loaded.wait_for(|loaded| holds(loaded))).await;
        Arc::clone(&waited.unwrap_or_else(|_| panic!("never came: {what}")).unwrap())
    }

    async fn until_port(&mut self, port: u16) {
        self.until(&format!("port {port}"), |loaded| loaded.settings.port == port).await;
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(20), self.task).await.expect("it stops").unwrap();
    }
}

fn port(port: u16) -> String {
    format!("port = {port}\n")
}

#[tokio::test]
async fn every_way_of_saving_is_seen() {
    let mut followed = Followed::start("settings.toml", |path| fs::write(path, port(1)).unwrap());
    let path = followed.path.clone();
    followed.until_port(1).await;

    fs::write(&path, port(2)).unwrap();
    followed.until_port(2).await;

    let draft = followed.folder.path().join("draft");
    fs::write(&draft, port(3)).unwrap();
    fs::rename(&draft, &path).unwrap();
    followed.until_port(3).await;

    // As vim does: the old file moves away, a new one takes its name.
    fs::rename(&path, followed.folder.path().join("settings.toml~")).unwrap();
    fs::write(&path, port(4)).unwrap();
    followed.until_port(4).await;

    fs::remove_file(&path).unwrap();
    followed.until_port(Settings::default().port).await;
    fs::write(&path, port(5)).unwrap();
    followed.until_port(5).await;
    followed.stop().await;
}

#[tokio::test]
async fn the_last_of_many_writes_is_the_one_in_force() {
    let mut followed = Followed::start("settings.toml", |_| {});
    for number in 1..=200 {
        fs::write(&followed.path, port(number)).unwrap();
        tokio::task::yield_now().await;
    }
    followed.until_port(200).await;
    followed.stop().await;
}

#[tokio::test]
async fn a_mistake_keeps_the_last_good_settings() {
    let mut followed = Followed::start("settings.toml", |path| fs::write(path, port(1)).unwrap());
    fs::write(&followed.path, "port = 2\nlocal_only = maybe\n").unwrap();
    let loaded = followed.until("a problem", |loaded| loaded.problem.is_some()).await;
    assert_eq!(loaded.settings.port, 1);
    let problem = loaded.problem.as_deref().unwrap();
    assert!(problem.contains("settings.toml: line 2") && problem.contains("last good settings"), "{problem}");

    fs::write(&followed.path, "port = 3\nprot = 2\n").unwrap();
    let loaded = followed.until("mended", |loaded| loaded.problem.is_none()).await;
    assert_eq!((loaded.settings.port, loaded.warnings.len()), (3, 1));
    followed.stop().await;
}

#[tokio::test]
async fn a_folder_may_come_later_and_come_back() {
    let mut followed = Followed::start("a/b/settings.toml", |_| {});
    let folder = followed.path.parent().unwrap().to_path_buf();
    for number in 1..=3 {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&followed.path, port(number)).unwrap();
        followed.until_port(number).await;
        fs::remove_dir_all(followed.folder.path().join("a")).unwrap();
        followed.until_port(Settings::default().port).await;
    }
    // Gone and back before anybody looks.
    fs::create_dir_all(&folder).unwrap();
    fs::write(&followed.path, port(4)).unwrap();
    followed.until_port(4).await;
    fs::rename(&folder, followed.folder.path().join("old")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    fs::write(&followed.path, port(5)).unwrap();
    followed.until_port(5).await;
    fs::write(&followed.path, port(6)).unwrap();
    followed.until_port(6).await;
    followed.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_is_followed() {
    let mut followed = Followed::start("config/settings.toml", |path| {
        let root = path.parent().unwrap().parent().unwrap();
        fs::create_dir_all(root.join("config")).unwrap();
        fs::create_dir_all(root.join("dotfiles")).unwrap();
        fs::write(root.join("dotfiles/one.toml"), port(1)).unwrap();
        std::os::unix::fs::symlink("../dotfiles/one.toml", path).unwrap();
    });
    followed.until_port(1).await;
    let target = followed.folder.path().join("dotfiles/one.toml");
    fs::write(&target, port(2)).unwrap();
    followed.until_port(2).await;
    fs::remove_file(&followed.path).unwrap();
    std::os::unix::fs::symlink("../dotfiles/two.toml", &followed.path).unwrap();
    fs::write(followed.folder.path().join("dotfiles/two.toml"), port(3)).unwrap();
    followed.until_port(3).await;
    fs::write(followed.folder.path().join("dotfiles/two.toml"), port(4)).unwrap();
    followed.until_port(4).await;
    followed.stop().await;
}

#[test]
fn a_mistake_at_start_leaves_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    assert!(!Loaded::first(&path).settings.local_only);
    fs::write(&path, "local_only = true\nport = ").unwrap();
    let loaded = Loaded::first(&path);
    assert!(loaded.settings.local_only, "the file may have said so");
    assert!(loaded.problem.unwrap().contains("line 2"));
}
