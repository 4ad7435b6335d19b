// Runs a service under Node in several processes that share its port: `node cluster.mjs fastify/app.mjs`.
// WEB_CONCURRENCY is how many, as for gunicorn. One that ends takes all with it.

import cluster from "node:cluster";

cluster.setupPrimary({ exec: process.argv[2] });
for (let started = 0; started < Number(process.env.WEB_CONCURRENCY); started++) cluster.fork();
cluster.on("exit", (_, code) => process.exit(code ?? 1));
process.on("SIGTERM", () => process.exit(0));
