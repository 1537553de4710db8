import { Config } from '@backstage/config';
import { InputError } from '@backstage/errors';
import { isAbsolute } from 'path';
import {
  defaultLimits,
  ProgramLimits,
  ProgramOptions,
  SandboxOptions,
} from '../programs';
import { VerifyOptions } from './types';

const section = 'egExtensions.verify';

function positive(config: Config, key: string): number | undefined {
  const value = config.getOptionalNumber(key);
  if (value !== undefined && !(value > 0)) {
    throw new InputError(`${section}.${key}: ${value} is not more than 0`);
  }
  return value;
}

function paths(config: Config, key: string): string[] {
  const found = config.getOptionalStringArray(key) ?? [];
  const wrong = found.find(path => !isAbsolute(path));
  if (wrong) {
    throw new InputError(`${section}.${key}: ${wrong} is not an absolute path`);
  }
  return found;
}

function limitsOf(config: Config | undefined): ProgramLimits {
  const names = Object.keys(defaultLimits) as (keyof ProgramLimits)[];
  return Object.fromEntries(
    names.map(name => [
      name,
      (config && positive(config, name)) ?? defaultLimits[name],
    ]),
  ) as unknown as ProgramLimits;
}

function sandboxOf(config: Config | undefined): SandboxOptions | undefined {
  const program = config?.getOptionalString('program') ?? 'none';
  if (!['none', 'bubblewrap'].includes(program)) {
    throw new InputError(
      `${section}.sandbox.program: "${program}" is not known; use bubblewrap or none`,
    );
  }
  return config && program === 'bubblewrap'
    ? {
        network: config.getOptionalBoolean('network') ?? false,
        readable: paths(config, 'readable'),
        writable: paths(config, 'writable'),
      }
    : undefined;
}

function environmentOf(config: Config | undefined): Record<string, string> {
  return Object.fromEntries(
    (config?.keys() ?? []).map(name => [name, config!.getString(name)]),
  );
}

function programsOf(config: Config | undefined): ProgramOptions {
  const user = config?.getOptionalConfig('user');
  return {
    environment: environmentOf(config?.getOptionalConfig('environment')),
    limits: limitsOf(config?.getOptionalConfig('limits')),
    user: user && { uid: user.getNumber('uid'), gid: user.getNumber('gid') },
    sandbox: sandboxOf(config?.getOptionalConfig('sandbox')),
  };
}

/**
 * Options from `egExtensions.verify` of the configuration.
 *
 * @public
 * @throws InputError naming the setting that is not valid
 */
export function readVerifyOptions(config: Config): VerifyOptions {
  const verify = config.getOptionalConfig(section);
  const build = verify?.getOptionalString('build') ?? 'here';
  if (build !== 'here' && build !== 'ci') {
    throw new InputError(
      `${section}.build: "${build}" is not known; use here or ci`,
    );
  }
  return {
    build,
    envoy: verify?.getOptionalString('envoy'),
    egctl: verify?.getOptionalString('egctl'),
    timeout: ((verify && positive(verify, 'timeoutSeconds')) ?? 900) * 1000,
    skeletons: verify ? paths(verify, 'skeletons') : [],
    programs: programsOf(verify),
  };
}
