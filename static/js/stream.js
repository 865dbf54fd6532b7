// One stream tells all tabs of a browser of news. As a page's module this passes on what it says;
// as a SharedWorker, from the same file, it holds the stream for all tabs that are seen. What is
// said: {state: "live" | "lost" | "refused", news: the newest id}.

const PATIENCE = { first: 1_000, most: 30_000, worker: 5_000 };

// EventSource comes back by itself, but not after a refusal.
const follow = (tell) => {
  let source = null, again = 0, news = "", wait = PATIENCE.first;
  const say = (state) => tell({ state, news });
  const open = () => {
    source = new EventSource("/api/stream/metrics?only=news");
    source.onopen = () => { wait = PATIENCE.first; say("live"); };
    source.addEventListener("news", ({ lastEventId }) => { news = lastEventId; say("live"); });
    source.onerror = () => {
      const isRefused = source.readyState === EventSource.CLOSED;
      if (isRefused) again = setTimeout(open, wait * (0.5 + Math.random()));
      if (isRefused) wait = Math.min(2 * wait, PATIENCE.most);
      say(isRefused ? "refused" : "lost");
    };
  };
  const join = () => {
    if (!self.EventSource) say("refused");
    else if (!source) open();
  };
  const leave = () => { clearTimeout(again); source?.close(); source = null; news = ""; };
  return { join, leave };
};

const hold = () => {
  const tabs = new Set();
  let said = null;
  const stream = follow((now) => { said = now; for (const tab of tabs) tab.postMessage(now); });
  const join = (tab) => {
    if (!tabs.has(tab) && said?.state === "refused") stream.leave();  // who is new need not wait
    tabs.add(tab);
    tab.postMessage(said);
    stream.join();
  };
  const leave = (tab) => {
    tabs.delete(tab);
    if (!tabs.size) { stream.leave(); said = null; }
  };
  self.onconnect = ({ ports: [tab] }) => {
    tab.onmessage = ({ data }) => (data === "join" ? join : leave)(tab);
  };
};

// The worker answers whoever joins, again and again: one that does not is gone.
const share = (hear, fail) => {
  const worker = new SharedWorker(import.meta.url, { type: "module", name: "stream" });
  let since = 0;
  worker.onerror = fail;
  worker.port.onmessage = ({ data }) => { since = 0; hear(data); };
  const join = () => {
    if (since && Date.now() - since >= PATIENCE.worker) { fail(); return; }
    since ||= Date.now();
    worker.port.postMessage("join");
  };
  const leave = () => { since = 0; worker.port.postMessage("leave"); };
  return { join, leave };
};

const listen = () => {
  let line = null;
  const hear = (detail) => {
    if (detail) document.dispatchEvent(new CustomEvent("stream", { detail }));
  };
  const alone = () => { line?.leave(); line = follow(hear); line.join(); };
  try { line = share(hear, alone); } catch { alone(); }

  const look = () => { if (document.hidden) line.leave(); else line.join(); };
  look();
  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", look);
  addEventListener("pagehide", () => line.leave());
  setInterval(look, PATIENCE.worker);
};

if (self.document) listen();
else hold();
