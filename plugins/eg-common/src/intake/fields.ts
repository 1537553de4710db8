import { z } from 'zod';

// Field types that the interview and the purposes share. Each message says what is allowed, so that it can stand as
// the remedy of an error.

const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** Characters that are never text: controls, formatting and direction marks, surrogates, unassigned (Unicode category C), line and paragraph separators. */
const notText = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * One line of text: any script, no control or formatting characters, no white space at its ends.
 *
 * @param max - the most UTF-16 code units
 */
export function lineOfText(max: number) {
  const message = `use one line of plain text of at most ${max} characters, without control characters and without white space at its ends`;
  return z
    .string({ error: message })
    .max(max, message)
    .refine(text => !notText.test(text) && text === text.trim(), {
      error: message,
    });
}

/** RFC 1123 label, as namespaces have it. */
export const namespaceName = z
  .string({
    error: 'give the name of a namespace, for example default',
  })
  .max(63, 'use at most 63 characters')
  .regex(
    new RegExp(`^${dnsLabel}$`),
    'use lower-case letters, digits and hyphens, beginning and ending with a letter or digit, for example team-a',
  );

/** RFC 1123 subdomain, as most Kubernetes objects have it. */
export const objectName = z
  .string({ error: 'give the name of a Kubernetes object' })
  .max(253, 'use at most 253 characters')
  .regex(
    new RegExp(`^${dnsLabel}(\\.${dnsLabel})*$`),
    'use lower-case letters, digits, hyphens and dots, beginning and ending with a letter or digit, for example my-route',
  );

/**
 * Headers that an extension cannot or must not change, with the reason: Envoy ignores, refuses or recomputes them.
 * Pseudo-headers, host and x-envoy-* are dropped silently by ext_proc's default mutation rules.
 */
const untouchableHeaders: Record<string, string> = {
  host: 'Envoy routes by it and ignores changes by ExtProc; use the HTTPRoute filter URLRewrite with hostname',
  'content-length': 'Envoy computes it from the body',
  'transfer-encoding': 'Envoy sets it itself',
  'content-encoding':
    'it describes the body, which a header operation does not change',
  connection: 'it belongs to one connection only',
  'keep-alive': 'it belongs to one connection only',
  'proxy-connection': 'it belongs to one connection only',
  upgrade: 'it belongs to one connection only',
  te: 'it belongs to one connection only',
  trailer: 'it belongs to one connection only',
  expect: 'Envoy answers it itself',
};

/** A header that an extension may change, in lower case. */
export const headerName = z
  .string({ error: 'give the name of a header, for example x-tenant' })
  .min(1, 'give the name of a header, for example x-tenant')
  .max(128, 'use at most 128 characters')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9-]*$/,
    'use letters, digits and hyphens only (Envoy Gateway rejects header names with underscores by default; pseudo-headers such as :path cannot be changed here), for example x-tenant',
  )
  .superRefine((name, context) => {
    const lower = name.toLowerCase();
    const reason = lower.startsWith('x-envoy-')
      ? 'Envoy keeps the prefix x-envoy- for itself and ignores changes'
      : untouchableHeaders[lower];
    if (reason) {
      context.addIssue({
        code: 'custom',
        message: `choose another header: ${reason}`,
      });
    }
  })
  .overwrite(name => name.toLowerCase());

/** A header value: visible ASCII and inner blanks. */
export const headerValue = z
  .string({ error: 'give the value of the header' })
  .max(1024, 'use at most 1024 characters')
  .regex(
    /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/,
    'use visible ASCII characters, with blanks only between them; percent-encode anything else',
  );

/** The name of a query parameter that needs no percent-encoding: it is compared as it stands in the URL. */
export const queryName = z
  .string({ error: 'give the name of a query parameter, for example tenant' })
  .regex(
    /^[A-Za-z0-9._~-]{1,64}$/,
    'use 1 to 64 letters, digits, dots, hyphens, underscores and tildes, for example tenant',
  );

/** A whole number between bounds that are allowed. */
export function wholeNumber(min: number, max: number) {
  const message = `use a whole number from ${min} to ${max}`;
  return z.int({ error: message }).min(min, message).max(max, message);
}

/** The claims that say how long a token holds: Envoy checks them, and they differ from token to token. */
const timesOfTokens = ['exp', 'nbf', 'iat'];

/** A claim of a verified JWT, or none: names from the outermost to the innermost object. */
export const claimPathOrNone = z
  .array(lineOfText(128).min(1, 'use 1 to 128 characters'), {
    error: 'give a list of names',
  })
  .max(8, 'use at most 8 names')
  .refine(names => names.length !== 1 || !timesOfTokens.includes(names[0]!), {
    error: 'choose another claim: Envoy checks the times of a token',
  });

/** A claim of a verified JWT. */
export const claimPath = claimPathOrNone
  .min(1, 'give the name of the claim, for example [sub]')
  .meta({
    title: 'Claim',
    description:
      'Its name; of a nested claim the names from the outside in, such as realm_access and roles.',
  });
