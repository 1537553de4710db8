// The package has the skeletons that its action compares workspaces with: copied when it is packed, removed after that.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const packed = here('../skeletons');

rmSync(packed, { recursive: true, force: true });
if (process.argv[2] === 'copy') {
  cpSync(here('../../../templates/envoy-gateway-extension/skeletons'), packed, {
    recursive: true,
  });
}
