import type { Catalogue } from './catalogue.ts';
import activity from './de/activity.json' with { type: 'json' };
import backends from './de/backends.json' with { type: 'json' };
import certificates from './de/certificates.json' with { type: 'json' };
import common from './de/common.json' with { type: 'json' };
import errors from './de/errors.json' with { type: 'json' };
import files from './de/files.json' with { type: 'json' };
import keys from './de/keys.json' with { type: 'json' };
import mending from './de/mending.json' with { type: 'json' };
import prompt from './de/prompt.json' with { type: 'json' };
import settings from './de/settings.json' with { type: 'json' };
import shell from './de/shell.json' with { type: 'json' };
import store from './de/store.json' with { type: 'json' };
import tokens from './de/tokens.json' with { type: 'json' };
import reasons from './reasons.de.json' with { type: 'json' };
import type { Reasons } from './reasons.ts';

export const GERMAN: Catalogue = { ...common, ...errors, ...shell, ...store, ...prompt, ...keys, ...certificates, ...files, ...backends, ...activity, ...settings, ...tokens, ...mending };
export const GERMAN_REASONS: Reasons = reasons;
