// Loaded before the tool: a test calls nobody. What the tool asks over HTTPS, its registry above all, goes to the one
// that REGISTRY names; without it every host is refused, and the tool goes on without its newer versions and reports.
const http = require("http");
const https = require("https");
const net = require("net");

if (process.env.REGISTRY) {
  const registry = new URL(process.env.REGISTRY);
  https.request = (options, ...rest) => {
    const here = { protocol: "http:", hostname: registry.hostname, host: registry.hostname, port: registry.port };
    return http.request({ ...options, ...here, agent: undefined, agents: undefined }, ...rest);
  };
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  const host = typeof options === "object" ? options.host : args[1];
  if (host && host !== "127.0.0.1") {
    process.nextTick(() => this.destroy(new Error(`no connection to ${host} from a test`)));
    return this;
  }
  return connect.apply(this, args);
};
