import { useTranslationRef } from '@backstage/frontend-plugin-api';
import { egTranslationRef, Translate } from '../translation';

/** The plugin's texts in the person's language. */
export function useEgTranslation(): { t: Translate } {
  return useTranslationRef(egTranslationRef);
}
