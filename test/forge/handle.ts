import { RequestHandler } from 'express';

/** A handler that may be asynchronous: what it throws goes to the error handler. */
export const handle =
  (handler: (...args: Parameters<RequestHandler>) => Promise<unknown>) =>
  (...[req, res, next]: Parameters<RequestHandler>) => {
    handler(req, res, next).catch(next);
  };
