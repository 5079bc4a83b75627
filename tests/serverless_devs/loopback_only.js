// Loaded before the tool: it looks for its newer versions and reports each command, and a test calls nobody.
const net = require("net");
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
