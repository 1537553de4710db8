import { SandboxOptions } from './types';

/**
 * What a build reads of /etc: names, certificates, and how libraries and programs are found. Passwords, keys and the
 * settings of other programs are not among it.
 */
const readableOfEtc = [
  'alternatives',
  'ca-certificates',
  'group',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'nsswitch.conf',
  'passwd',
  'pki/tls',
  'protocols',
  'resolv.conf',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
].map(name => `/etc/${name}`);

const system = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'];

/**
 * The arguments with which bubblewrap (bwrap(1)) shows a program nothing but the system's programs, the work folder and
 * what is configured: no home folders, no volumes, no sockets, no other processes, and no network unless it is wanted.
 *
 * @param folder - the work folder, the only place where the program may write
 * @param options - what is configured
 * @param programs - programs outside of the system's folders, which it may read
 */
export function bubblewrapArguments(
  folder: string,
  { network, readable, writable }: SandboxOptions,
  programs: readonly string[] = [],
): string[] {
  const bind = (how: string) => (path: string) => [how, path, path];
  return [
    '--die-with-parent',
    '--new-session',
    '--unshare-all',
    // Root of the back end is nobody in there, with no capabilities.
    ...['--unshare-user', '--uid', '65534', '--gid', '65534'],
    ...(network ? ['--share-net'] : []),
    ...system.flatMap(bind('--ro-bind-try')),
    ...readableOfEtc.flatMap(bind('--ro-bind-try')),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--size', String(64 << 20), '--tmpfs', '/dev/shm'],
    ...['--size', String(64 << 20), '--tmpfs', '/tmp'],
    ...[...readable, ...programs].flatMap(bind('--ro-bind')),
    ...writable.flatMap(bind('--bind')),
    ...bind('--bind')(folder),
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    '--',
  ];
}
