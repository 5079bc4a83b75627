// Tells what comes before and after; `s init` calls both.
module.exports = {
  async preInit() {
    console.log("\n  ice-result needs: Function Compute, EventBridge, MNS (SMQ), OSS, Log Service and ICE, activated.\n");
  },
  async postInit() {
    console.log("\n  Next: ice-result setup --queues --role --yes, then s deploy -y. See readme.md.\n");
  },
};
