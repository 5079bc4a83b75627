// Tells what comes before and after; `s init` calls both.
module.exports = {
  async preInit() {
    console.log("\n  需要先开通：函数计算、事件总线 EventBridge、轻量消息队列（原 MNS）、对象存储 OSS、日志服务、智能媒体服务。");
    console.log("  Activate first: Function Compute, EventBridge, MNS (SMQ), OSS, Log Service and ICE.\n");
  },
  async postInit() {
    console.log("\n  下一步：ice-result setup --all --yes，然后 s deploy -y；详见 readme.md。");
    console.log("  Next: ice-result setup --all --yes, then s deploy -y. See readme.md.\n");
  },
};
