import { isAbsolute, join } from 'path';
import { parseArgs } from 'util';
import { adviceMarkdown, recommend } from 'backstage-plugin-eg-common';
import { ConfigReader } from '@backstage/config';
import {
  readVerifyOptions,
  reportMarkdown,
  verify,
} from 'backstage-plugin-scaffolder-backend-module-eg';
import { readAnswers } from './answersFile';
import { writeForms } from './forms';
import { generateInto } from './generate';
import { nextSteps } from './nextSteps';
import { startScaffolder, templateFolder } from './scaffolder';

/** What a command prints, and how it ends. */
interface Result {
  /** For people. */
  text: string;
  /** For programs, with --json. */
  json: unknown;
  failed?: boolean;
}

type Options = {
  answers?: string;
  out?: string;
  envoy?: string;
  template?: string;
  json?: boolean;
  check?: boolean;
  'trust-folder'?: boolean;
};

interface Command {
  usage: string;
  run(options: Options, positionals: string[]): Promise<Result>;
}

/** npm and Yarn run scripts in the workspace's root; paths are meant from where the person is. */
function path(given: string | undefined, usage: string): string {
  if (!given) {
    throw new Error(`use: ${usage}`);
  }
  return isAbsolute(given)
    ? given
    : join(process.env.INIT_CWD ?? process.cwd(), given);
}

const commands: Record<string, Command> = {
  generate: {
    usage:
      'npm run generate -- --answers FILE --out DIR [--template DIR] [--json]',
    async run({ answers: file, out, template }) {
      const answers = await readAnswers(path(file, this.usage));
      const directory = path(out, this.usage);
      const scaffolder = await startScaffolder(
        template ? path(template, this.usage) : templateFolder,
      );
      try {
        const { files, output } = await generateInto(
          scaffolder,
          answers,
          directory,
        );
        const texts: { title: string; content: string }[] = output.text ?? [];
        return {
          text: [
            ...texts.map(({ content }) => content),
            `${files.length} files written to ${directory}`,
            '',
            nextSteps(directory, files),
          ].join('\n'),
          json: { directory, files: files.map(f => f.path), output },
        };
      } finally {
        await scaffolder.stop();
      }
    },
  },
  recommend: {
    usage: 'npm run recommend -- --answers FILE [--json]',
    async run({ answers: file }) {
      const recommendation = recommend(
        await readAnswers(path(file, this.usage)),
      );
      return { text: adviceMarkdown(recommendation), json: recommendation };
    },
  },
  verify: {
    usage: 'npm run verify -- DIR [--envoy BINARY [--trust-folder]] [--json]',
    async run({ envoy, 'trust-folder': trustFolder }, [directory]) {
      const config = new ConfigReader({
        egExtensions: {
          verify: { ...(envoy ? { envoy: path(envoy, this.usage) } : {}) },
        },
      });
      const report = await verify(
        path(directory, this.usage),
        { ...readVerifyOptions(config), place: 'verify', trustFolder },
        { log: line => console.error(line) },
      );
      return {
        text: reportMarkdown(report),
        json: report,
        failed: !report.passed,
      };
    },
  },
  form: {
    usage: 'npm run form -- [--check]',
    async run({ check }) {
      const changed = await writeForms(templateFolder, Boolean(check));
      const names = changed.join(' and ');
      const text =
        check && names
          ? `${names}: not what the schema says; npm run form writes it`
          : `the templates have the questions of the schema${
              names && `, written: ${names}`
            }`;
      return { text, json: { changed }, failed: check && changed.length > 0 };
    },
  },
};

/**
 * Runs a command of the command line.
 *
 * @param argv - the command and its arguments
 * @returns the exit code
 */
export async function main(argv: string[]): Promise<number> {
  const [name = '', ...args] = argv;
  const command = commands[name];
  const wantsJson = args.includes('--json');
  try {
    if (!command) {
      throw new Error(
        `there is no command ${name}; use one of ${Object.keys(commands).join(
          ', ',
        )}`,
      );
    }
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        answers: { type: 'string' },
        out: { type: 'string' },
        envoy: { type: 'string' },
        template: { type: 'string' },
        json: { type: 'boolean' },
        check: { type: 'boolean' },
        'trust-folder': { type: 'boolean' },
      },
    });
    const { text, json, failed } = await command.run(values, positionals);
    process.stdout.write(
      values.json
        ? `${JSON.stringify(json, null, 2)}\n`
        : `${text.trimEnd()}\n`,
    );
    return failed ? 1 : 0;
  } catch (error) {
    const { message, problems, log } = error as Error & {
      problems?: unknown;
      log?: string[];
    };
    if (wantsJson) {
      process.stdout.write(
        `${JSON.stringify({ error: message, problems, log }, null, 2)}\n`,
      );
    }
    process.stderr.write(`error: ${message}\n`);
    return 1;
  }
}
