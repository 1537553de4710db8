import { Finding } from '../findings';
import { backends } from './backends';
import { conflicts } from './conflicts';
import { dynamicModules } from './dynamicModules';
import { features } from './features';
import { gateways } from './gateways';
import { referenceGrants } from './referenceGrants';
import { sections } from './sections';
import { Surroundings } from './surroundings';
import { targets } from './targets';

/** What is asked before anything is published. */
export const questions: readonly {
  /** What it is about. */
  about: string;
  ask(surroundings: Surroundings): Promise<Finding[]>;
}[] = [
  { about: 'the release that is installed has what is used', ask: features },
  { about: 'targets exist', ask: targets },
  { about: 'sections of targets exist', ask: sections },
  { about: 'targets belong to Gateways of Envoy Gateway', ask: gateways },
  { about: 'no other policy holds a target', ask: conflicts },
  { about: 'backends exist', ask: backends },
  { about: 'references across namespaces are granted', ask: referenceGrants },
  { about: 'the EnvoyProxy allows dynamic modules', ask: dynamicModules },
];
