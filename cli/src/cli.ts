import { main } from './main';

main(process.argv.slice(2)).then(
  // The back end leaves timers behind; the process is done when the command is.
  code => process.exit(code),
);
