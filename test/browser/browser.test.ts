import { lacking } from '../lab/namespaces';
import { describeUnless, describeWith } from '../src/tools';
import { accessibilityStories } from './accessibility.story';
import { startBackstage } from './backstage';
import { chromiumProgram } from './chromium';
import { startWithCluster } from './cluster';
import { extProcStory } from './extproc.story';
import { keyboardStory } from './keyboard.story';
import { luaStory } from './lua.story';
import { problemStories } from './problems.story';
import { policyStatusStories } from './policyStatus.story';
import { inBackstage } from './story';
import { wasmStory } from './wasm.story';

// Material UI 4 throws under React 18 when the keyboard reaches a button in the moment in which it is mounted.
// At once, since the last stories leave no cluster to try again with.
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });

describeWith([chromiumProgram, 'git'], 'the whole flow in a browser', () => {
  describe('with no cluster', () => {
    inBackstage(startBackstage);
    extProcStory();
    wasmStory();
    describeWith(['make', 'python3'], 'and built', luaStory);
    problemStories();
    keyboardStory();
    accessibilityStories();
  });

  describeUnless(lacking(), 'with a real gateway', () => {
    inBackstage(startWithCluster);
    policyStatusStories();
  });
});
