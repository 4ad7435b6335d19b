// What an HTTP/2 client gets from `url` at `path`, as one line of JSON.
import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const [url, path, certificate] = process.argv.slice(-3);
const session = connect(url, { ca: readFileSync(certificate) });
const request = session.request({ ":path": path });
request.on("response", (headers) => {
  console.log(JSON.stringify({ protocol: session.alpnProtocol, headers }));
  session.close();
});
request.resume();
