import '@testing-library/jest-dom';
import { configure } from '@testing-library/react';

// A busy machine is no failure.
configure({ asyncUtilTimeout: 60_000 });

// What jsdom says to each style sheet of Material UI, which has nothing to do with the tests.
const { warn } = console;
jest.spyOn(console, 'warn').mockImplementation((...args: unknown[]) => {
  if (!String(args[0]).includes('[JSS]')) {
    warn(...args);
  }
});

// The scaffolder's form scrolls to the top of each step, which jsdom cannot.
window.scrollTo = () => {};
