import { z } from 'zod';
import {
  headerName,
  headerValue,
  lineOfText,
  objectName,
  wholeNumber,
} from '../intake/fields';
import { CelPlaceName, lintCel, lintCelFormat } from '../policy/cel';

// Fields that the settings of several needs share.

const listOf = <T extends z.ZodType>(item: T, what: string) =>
  z
    .array(item, { error: `give a list of ${what}` })
    .min(1, 'give at least one');

/** A list with something in it. */
export const some = listOf;

export const url = lineOfText(2000).regex(
  /^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/,
  'use an absolute URL without a user and a fragment, for example https://issuer.example.com/keys',
);

export const claimName = lineOfText(253)
  .min(1, 'give the name of the claim, for example sub')
  .regex(/^\S+$/, 'use a name without blanks; dots lead into nested claims');

export const text = (max: number) => lineOfText(max).min(1, 'say something');

/** A CEL expression that Envoy can judge at a place. */
export const celExpression = (place: CelPlaceName) =>
  text(4096).superRefine((given, context) => {
    for (const message of lintCel(given, place)) {
      context.addIssue({ code: 'custom', message });
    }
  });

/** A text with Envoy's format strings, whose expressions Envoy can judge at a place. */
export const formatString = (place: CelPlaceName) =>
  text(256).superRefine((given, context) => {
    for (const message of lintCelFormat(given, place)) {
      context.addIssue({ code: 'custom', message });
    }
  });

/** A number of Kubernetes' quantities. */
export const quantity = lineOfText(30).regex(
  /^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|k|M|G)?$/,
  'use a quantity, for example 64Ki or 10Mi',
);

/** A Gateway API duration. */
export const duration = lineOfText(30).regex(
  /^([0-9]{1,5}(h|m|s|ms)){1,4}$/,
  'use a duration, for example 15s, 500ms or 1h30m',
);

export const port = wholeNumber(1, 65535);

export const unit = z
  .enum(['Second', 'Minute', 'Hour', 'Day'], {
    error: 'choose one of Second, Minute, Hour, Day',
  })
  .default('Minute');

export const limitOf = z.strictObject(
  { requests: wholeNumber(1, 4294967295), unit },
  { error: 'give requests and unit' },
);

/** A Service in the target's namespace. */
export const service = z.strictObject(
  { name: objectName, port },
  { error: 'give the name and the port of a Service' },
);

/** Who issues the tokens, for every need that reads claims. What one need says counts for all of them. */
export const issuerSettings = {
  /** As the claim `iss` has it. */
  issuer: text(253).optional(),
  /** Where the issuer publishes its keys. */
  jwksUri: url.optional(),
  /** Who tokens have to be for. */
  audiences: listOf(text(253), 'audiences').max(8).optional(),
};

export const header = headerName;
export const value = headerValue;
export const headerList = listOf(
  z.strictObject({ name: headerName, value: headerValue }),
  'headers with name and value',
).max(64);
export const statusCode = wholeNumber(200, 599);
