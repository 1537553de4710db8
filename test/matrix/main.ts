import Table from 'cli-table3';
import { isAbsolute, join } from 'path';
import { parseArgs } from 'util';
import { requireAll } from '../src/tools';
import { impossibleRows, Row, runMatrix } from './matrix';

function table(rows: readonly Row[]): string {
  const result = new Table({
    head: ['implementation', 'purpose', 'Envoy', 'result', 's'],
    style: { head: [], border: [] },
    colWidths: [null, null, null, 60, null],
    wordWrap: true,
  });
  for (const row of rows) {
    const [firstLine] = row.message.split('\n');
    result.push([
      row.implementation,
      [row.purpose, row.variant].filter(Boolean).join(', '),
      row.envoy,
      `${row.status}: ${firstLine}`,
      row.seconds,
    ]);
  }
  return result.toString();
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      implementation: { type: 'string' },
      purpose: { type: 'string' },
      variant: { type: 'string' },
      envoy: { type: 'string' },
      template: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const { json, template, ...selection } = values;
  const rows = await runMatrix(
    {
      ...selection,
      ...(template
        ? {
            template: isAbsolute(template)
              ? template
              : join(process.env.INIT_CWD ?? process.cwd(), template),
          }
        : {}),
    },
    row => {
      const name = `${row.implementation} ${row.purpose} ${row.variant}`.trim();
      process.stderr.write(
        `${row.status}: ${name} in Envoy ${row.envoy}, ${row.seconds} s${
          row.status === 'failed' ? `\n${row.message}` : ''
        }\n`,
      );
    },
  );
  const count = (status: Row['status']) =>
    rows.filter(row => row.status === status).length;
  const [passed, failed, skipped] = [
    count('passed'),
    count('failed'),
    count('skipped'),
  ];
  process.stdout.write(
    json
      ? `${JSON.stringify({ passed, failed, skipped, rows }, null, 2)}\n`
      : `${table([
          ...rows,
          ...impossibleRows(selection),
        ])}\n${passed} passed, ${failed} failed, ${skipped} skipped\n`,
  );
  return failed > 0 || passed === 0 || (requireAll && skipped > 0) ? 1 : 0;
}

main().then(
  code => process.exit(code),
  error => {
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(1);
  },
);
