// A browser driven over HTTP as the W3C's WebDriver says: Debian's chromium and chromium-driver,
// without a window. Needs nothing but node.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

export const KEY = {
  enter: "\uE007",
  tab: "\uE004",
  escape: "\uE00C",
  shift: "\uE008",
  left: "\uE012",
  up: "\uE013",
  right: "\uE014",
  down: "\uE015",
  pageUp: "\uE00E",
  pageDown: "\uE00F",
  end: "\uE010",
  home: "\uE011",
  delete: "\uE017",
};

async function call(url, method, body) {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${method} ${url}: ${value.error}: ${value.message}`);
  return value;
}

// Where chromedriver listens, as it says itself.
async function startDriver() {
  const driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise((resolve, reject) => {
    driver.on("error", reject);
    driver.on("exit", () => reject(new Error("chromedriver ended")));
    createInterface({ input: driver.stdout }).on("line", (line) => {
      const found = /started successfully on port (\d+)/.exec(line);
      if (found) resolve(found[1]);
    });
  });
  return { driver, address: `http://127.0.0.1:${port}` };
}

export async function openBrowser(profile, [width, height]) {
  const { driver, address } = await startDriver();
  const args = [
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    `--window-size=${width},${height}`,
    `--user-data-dir=${profile}`,
  ];
  // Chromium's own sandbox does not run under root.
  if (process.getuid() === 0) args.push("--no-sandbox");
  const capabilities = { alwaysMatch: { browserName: "chrome", "goog:chromeOptions": { args } } };
  const { sessionId } = await call(`${address}/session`, "POST", { capabilities }).catch(
    (error) => {
      driver.kill();
      throw error;
    },
  );
  const at = `${address}/session/${sessionId}`;
  const command = (name, body = {}) => call(`${at}/${name}`, "POST", body);
  const browser = {
    open: (url) => command("url", { url }),
    reload: () => command("refresh"),
    // The value of a JavaScript expression in the page.
    see: (expression, ...args) =>
      command("execute/sync", { script: `return (${expression});`, args }),
    // Promises of the page are waited for.
    async run(script, ...args) {
      return command("execute/sync", { script, args });
    },
    async press(...keys) {
      const actions = keys.flatMap((key) => {
        const all = Array.isArray(key) ? key : [key];
        return [
          ...all.map((value) => ({ type: "keyDown", value })),
          ...[...all].reverse().map((value) => ({ type: "keyUp", value })),
        ];
      });
      await command("actions", { actions: [{ type: "key", id: "keyboard", actions }] });
    },
    // x and y: from the middle of the element, in pixels.
    async click(selector, x = 0, y = 0) {
      const found = await command("element", { using: "css selector", value: selector });
      const origin = { [ELEMENT]: found[ELEMENT] };
      const actions = [
        { type: "pointerMove", origin, x, y },
        { type: "pointerDown", button: 0 },
        { type: "pointerUp", button: 0 },
      ];
      await command("actions", { actions: [{ type: "pointer", id: "mouse", actions }] });
    },
    async screenshot() {
      return Buffer.from(await call(`${at}/screenshot`, "GET"), "base64");
    },
    async close() {
      await call(at, "DELETE").catch(() => {});
      driver.kill();
    },
  };
  return browser;
}
