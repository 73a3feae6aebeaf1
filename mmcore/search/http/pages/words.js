// Every word of the page, in English and Chinese. "one|many" is told apart by the number n.

export const WORDS = {
  en: {
    skip: "Skip to the results",
    search: "Search",
    searchLabel: "Search by words",
    searchHint: "Describe what you look for",
    dropHint: "Words in English or Chinese. A picture or a sound can be dropped anywhere on the page.",
    dropHere: "Drop a picture, a sound or a video to search with it",
    pick: "Search with a picture or a sound",
    tools: "Tools",
    lake: "Snapshot",
    switchLanguage: "切换到中文",
    theme_auto: "Theme: as the system",
    theme_light: "Theme: light",
    theme_dark: "Theme: dark",
    keys: "Keyboard",
    keyFocus: "Go to the search field",
    keyEnter: "Search, or open the answer",
    keyArrows: "Move among the answers",
    keyPlay: "Play or pause",
    keyMore: "More like this",
    keyWithout: "Without that",
    keyEscape: "Close, or go back",
    keyHelp: "Show this",
    close: "Close",
    image: "Pictures",
    text: "Texts",
    audio: "Sounds",
    video: "Videos",
    fused: "Items",
    by_image: "picture",
    by_text: "text",
    by_audio: "sound",
    by_video: "video",
    by_fused: "whole",
    by_words: "words",
    everything: "Everything",
    media: "Media to search",
    filters: "Filters",
    askedWith: "Asked with",
    like: "Like",
    without: "Without",
    turn: "Turn round: like it, or without it",
    remove: "Remove",
    moment: "a moment",
    yourFile: "your file",
    textLanguage: "Language of texts",
    any: "Any",
    folder: "Folder",
    withoutHint: "A word, then Enter",
    balance: "Find by",
    balanceUsual: "Meaning and words",
    balanceMeaning: "Meaning only",
    balanceBoth: "Half words",
    balanceWords: "Exact words only",
    variety: "Variety",
    varietyNone: "Best first",
    varietySome: "Some variety",
    varietyMuch: "Much variety",
    collapse: "Show near-duplicates once",
    where: "Condition (SQL)",
    apply: "Apply",
    clear: "Clear the filters",
    homeTitle: "Search pictures, texts, sounds and videos",
    homeLead: "Describe it in English or Chinese, or show a picture or a sound like it.",
    tipWords: "Whole sentences work as well as exact names.",
    tipDrop: "Drop or paste a picture or a sound anywhere.",
    tipWithout: "Write -word for what you do not want.",
    tipMore: "From any answer: more like this, without that.",
    itemsWord: "item|items",
    publishedOn: "Snapshot {n}, {when}",
    searching: "Searching …",
    results: "Answers",
    count: "{n} answer|{n} answers",
    range: "Answers {low} to {high}",
    snapshotN: "Snapshot {n}",
    pages: "Pages",
    pageN: "Page {n}",
    previous: "Previous",
    next: "Next",
    nothing: "Nothing found",
    noFurther: "No further answers",
    nothingHint: "Try other words, or show a picture or a sound.",
    nothingFiltered: "Something may be there without the limits.",
    firstPage: "First page",
    dropFilters: "Without filters",
    why: "Why it is here",
    whyScore: "{by}: {score}",
    span: "Where in the file",
    pageOf: "page {n}",
    duplicates: "Stands for {n} more that is nearly equal|Stands for {n} more that are nearly equal",
    moreLike: "More like this",
    moreLikeOf: "More like {key}",
    withoutThat: "Without that",
    withoutOf: "Without {key}",
    play: "Play",
    pause: "Pause",
    playAt: "Play at {at}",
    position: "Position in the sound",
    cannotPlay: "This browser cannot play it.",
    download: "Download",
    back: "Back",
    boxHere: "The part that was found",
    notServed: "The file is not served from here.",
    labels: "Labels",
    split: "Split",
    itemId: "Item",
    files: "Files",
    segments: "{n} part|{n} parts",
    showMore: "Show more",
    near: "Near it",
    source_caption: "caption",
    source_ocr: "read in the picture",
    source_asr: "heard",
    published: "Published {when}",
    preset: "Preset {name}",
    private: "Private",
    evaluation: "Evaluation",
    report: "Full report",
    measuredWith: "Measured with {n} query.|Measured with {n} queries.",
    unmeasured: "This snapshot was not measured.",
    baseline: "Compared with snapshot {n}.",
    direction: "Asked → found",
    history: "Over time",
    historyHint: "Mean reciprocal rank over all directions, {low} to {high}",
    snapshots: "Snapshots",
    snapshot: "Snapshot",
    when: "Published",
    itemsHead: "Items",
    size: "Size",
    score: "MRR",
    verdict: "Verdict",
    serves: "serves",
    verdict_pass: "passed",
    verdict_warn: "warning",
    verdict_block: "blocked",
    verdict_failed: "failed",
    verdict_unmeasured: "not measured",
    failed: "It did not work.",
    wrong: "That did not work",
    unreachableTitle: "No connection",
    unreachable: "The server does not answer. Is it running?",
    notThere: "It is not there",
    busy: "The server is busy",
    retryIn: "Trying again in {n} s …",
    again: "Try again",
    startOver: "Start over",
    fileGone: "The file is not here",
    fileGoneHint: "This search asks with a file that only the browser it was dropped in has. Drop it again.",
    tooLarge: "The file is larger than {n} MB.",
    emptyFile: "The file is empty.",
  },
  zh: {
    skip: "跳到结果",
    search: "搜索",
    searchLabel: "用文字搜索",
    searchHint: "描述您要找的内容",
    dropHint: "可输入中文或英文，也可将图片或声音拖到页面任意位置。",
    dropHere: "松开即可用这张图片、这段声音或视频搜索",
    pick: "用图片或声音搜索",
    tools: "工具",
    lake: "快照",
    switchLanguage: "Switch to English",
    theme_auto: "主题：跟随系统",
    theme_light: "主题：浅色",
    theme_dark: "主题：深色",
    keys: "键盘操作",
    keyFocus: "转到搜索框",
    keyEnter: "搜索，或打开结果",
    keyArrows: "在结果间移动",
    keyPlay: "播放或暂停",
    keyMore: "更多类似",
    keyWithout: "排除此类",
    keyEscape: "关闭，或返回",
    keyHelp: "显示本说明",
    close: "关闭",
    image: "图片",
    text: "文本",
    audio: "声音",
    video: "视频",
    fused: "条目",
    by_image: "图片",
    by_text: "文本",
    by_audio: "声音",
    by_video: "视频",
    by_fused: "整体",
    by_words: "词语",
    everything: "全部",
    media: "搜索的媒体",
    filters: "筛选",
    askedWith: "查询条件",
    like: "类似",
    without: "排除",
    turn: "切换：类似或排除",
    remove: "移除",
    moment: "片段",
    yourFile: "您的文件",
    textLanguage: "文本语言",
    any: "不限",
    folder: "文件夹",
    withoutHint: "输入词语，按回车",
    balance: "查找方式",
    balanceUsual: "语义与词语",
    balanceMeaning: "仅语义",
    balanceBoth: "词语占一半",
    balanceWords: "仅精确词语",
    variety: "多样性",
    varietyNone: "最相关优先",
    varietySome: "适度多样",
    varietyMuch: "尽量多样",
    collapse: "近似重复只显示一个",
    where: "条件（SQL）",
    apply: "应用",
    clear: "清除筛选",
    homeTitle: "搜索图片、文本、声音与视频",
    homeLead: "用中文或英文描述，或给出相似的图片或声音。",
    tipWords: "整句描述和准确名称都可以。",
    tipDrop: "图片或声音可拖放或粘贴到页面任意位置。",
    tipWithout: "用“-词语”排除不想要的内容。",
    tipMore: "任一结果都可“更多类似”或“排除此类”。",
    itemsWord: "个条目",
    publishedOn: "快照 {n}，{when}",
    searching: "正在搜索……",
    results: "结果",
    count: "{n} 个结果",
    range: "第 {low} 至 {high} 个结果",
    snapshotN: "快照 {n}",
    pages: "页码",
    pageN: "第 {n} 页",
    previous: "上一页",
    next: "下一页",
    nothing: "没有找到",
    noFurther: "没有更多结果",
    nothingHint: "请换个说法，或用图片、声音来搜索。",
    nothingFiltered: "去掉限制后也许能找到。",
    firstPage: "第一页",
    dropFilters: "去掉筛选",
    why: "匹配依据",
    whyScore: "{by}：{score}",
    span: "在文件中的位置",
    pageOf: "第 {n} 页",
    duplicates: "另有 {n} 个几乎相同",
    moreLike: "更多类似",
    moreLikeOf: "更多类似：{key}",
    withoutThat: "排除此类",
    withoutOf: "排除：{key}",
    play: "播放",
    pause: "暂停",
    playAt: "从 {at} 播放",
    position: "播放位置",
    cannotPlay: "此浏览器无法播放。",
    download: "下载",
    back: "返回",
    boxHere: "匹配的部分",
    notServed: "此处不提供该文件。",
    labels: "标签",
    split: "划分",
    itemId: "条目",
    files: "文件",
    segments: "{n} 个片段",
    showMore: "显示更多",
    near: "相近条目",
    source_caption: "说明文字",
    source_ocr: "图中文字",
    source_asr: "语音文字",
    published: "发布于 {when}",
    preset: "预设 {name}",
    private: "私有",
    evaluation: "评测",
    report: "完整报告",
    measuredWith: "用 {n} 个查询评测。",
    unmeasured: "此快照未经评测。",
    baseline: "与快照 {n} 比较。",
    direction: "查询 → 结果",
    history: "变化趋势",
    historyHint: "所有方向的平均倒数排名，{low} 至 {high}",
    snapshots: "快照列表",
    snapshot: "快照",
    when: "发布时间",
    itemsHead: "条目",
    size: "大小",
    score: "MRR",
    verdict: "结论",
    serves: "使用中",
    verdict_pass: "通过",
    verdict_warn: "警告",
    verdict_block: "未通过",
    verdict_failed: "失败",
    verdict_unmeasured: "未评测",
    failed: "操作未成功。",
    wrong: "操作未成功",
    unreachableTitle: "无法连接",
    unreachable: "服务器没有响应，请确认它正在运行。",
    notThere: "找不到",
    busy: "服务器繁忙",
    retryIn: "{n} 秒后重试……",
    again: "重试",
    startOver: "重新开始",
    fileGone: "文件不在此处",
    fileGoneHint: "这次搜索所用的文件只保存在当时的浏览器里，请重新拖入。",
    tooLarge: "文件超过 {n} MB。",
    emptyFile: "文件是空的。",
  },
};

/** The language of the page: "en" or "zh". */
export const language = () => (document.documentElement.lang.startsWith("zh") ? "zh" : "en");

/** A text of the page, with its values put in; `instead` where there is none. */
export function t(key, values = {}, instead = key) {
  const found = WORDS[language()][key];
  if (found === undefined) return instead;
  const [one, many] = found.split("|");
  const text = many !== undefined && Number(values.n) !== 1 ? many : one;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name] ?? ""));
}

/** A medium, as what there is many of. */
export const name = (kind) => t(kind, {}, kind);

/** What a hit was found by: one of its media, all of it, its words. */
export const by = (list) => t(`by_${list}`, {}, list);

/** The other language from now on, in this browser. */
export function switchLanguage() {
  const other = language() === "zh" ? "en" : "zh";
  document.documentElement.lang = other === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem("language", other);
  } catch {
    // it holds as long as the page
  }
  translate(document);
}

/** Put the words of the page where its marks are. */
export function translate(root) {
  for (const one of root.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of root.querySelectorAll("[data-t-label]")) one.setAttribute("aria-label", t(one.dataset.tLabel));
  for (const one of root.querySelectorAll("[data-t-title]")) one.title = t(one.dataset.tTitle);
  for (const one of root.querySelectorAll("[data-t-placeholder]")) one.placeholder = t(one.dataset.tPlaceholder);
}

const locale = () => document.documentElement.lang;

export const number = (value) => new Intl.NumberFormat(locale(), { maximumFractionDigits: 6 }).format(value);

/** A time as people here write it. */
export function date(iso, withTime = false) {
  const time = withTime ? { timeStyle: "short" } : {};
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", ...time }).format(new Date(iso));
}

/** Seconds as 1:02:03; below ten seconds with a tenth. */
export function clock(seconds) {
  const all = Math.max(0, seconds);
  if (all < 10 && all % 1 >= 0.05) return `0:0${all.toFixed(1)}`.replace("0:010.0", "0:10");
  const whole = Math.floor(all);
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long something took. */
export function seconds(value) {
  return value < 1 ? `${Math.max(1, Math.round(value * 1000))} ms` : `${value.toFixed(1)} s`;
}

/** A size in the units people know. */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let n = size;
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) [n, unit] = [n / 1000, unit + 1];
  return `${n >= 100 || !unit ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}
