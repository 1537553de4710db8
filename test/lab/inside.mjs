// inside.mjs FOLDER: the lab's small servers, inside of its namespaces.
//
// FOLDER/bridge.sock  leads into the network: the first line of a connection is HOST:PORT, the rest goes there
// 10.99.0.2:3000      the back end of the routes: answers with what it was asked, as JSON
// 10.99.0.4:8000      files of FOLDER/files
import { createReadStream, existsSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { join, normalize } from 'node:path';

const [folder] = process.argv.slice(2);

createServer(client => {
  client.once('readable', () => {
    const chunk = client.read();
    const end = chunk ? chunk.indexOf('\n') : -1;
    if (end < 0) {
      client.destroy();
      return;
    }
    const [host, port] = chunk.subarray(0, end).toString().split(':');
    const server = connect(Number(port), host);
    server.write(chunk.subarray(end + 1));
    client.pipe(server).pipe(client);
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  client.on('error', () => {});
}).listen(join(folder, 'bridge.sock'));

createHttpServer((req, res) => {
  const chunks = [];
  req.on('data', chunk => chunks.push(chunk));
  req.on('end', () => {
    const { method, url, headers } = req;
    const body = Buffer.concat(chunks).toString();
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ method, path: url, headers, body }));
  });
}).listen(3000, '10.99.0.2');

createHttpServer((req, res) => {
  const path = join(folder, 'files', normalize(`/${req.url}`));
  if (existsSync(path)) {
    createReadStream(path)
      .on('error', () => res.destroy())
      .pipe(res);
  } else {
    res.writeHead(404).end();
  }
}).listen(8000, '10.99.0.4');
