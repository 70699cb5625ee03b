import { createHashHistory, createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { ActivityView } from '../activity/ActivityView.tsx';
import { BackendsView } from '../backends/BackendsView.tsx';
import { CertificatesView } from '../certificates/CertificatesView.tsx';
import { FilesView } from '../files/FilesView.tsx';
import { HealthView } from '../health/HealthView.tsx';
import { KeysView } from '../keys/KeysView.tsx';
import { SettingsView } from '../settings/SettingsView.tsx';
import { TokensView } from '../tokens/TokensView.tsx';
import { Shell } from './Shell.tsx';
import { ViewFault } from './ViewFault.tsx';

/** What a route's search may hold: which thing is selected. */
interface Selected {
  selected?: string;
}

/** A slot of the selected token, too. */
interface SelectedSlot extends Selected {
  slot?: string;
}

const validateSearch = ({ selected }: Record<string, unknown>): Selected => (typeof selected === 'string' ? { selected } : {});

/** Which certificates are shown, too: those that end soon, from where that is told. */
interface ShownCertificates extends Selected {
  shown?: 'expiring';
}

const validateShownSearch = ({ selected, shown }: Record<string, unknown>): ShownCertificates => ({ ...validateSearch({ selected }), ...(shown === 'expiring' && { shown }) });

const validateSlotSearch = ({ selected, slot }: Record<string, unknown>): SelectedSlot => ({ ...validateSearch({ selected }), ...(typeof slot === 'string' && { slot }) });

/** Whether all keys are to be checked at once, too: from where that is asked for. */
interface SelectedFinding extends Selected {
  check?: true;
}

const validateFindingSearch = ({ selected, check }: Record<string, unknown>): SelectedFinding => ({ ...validateSearch({ selected }), ...(check === true && { check }) });

/** Which page of the settings. */
const validateTabSearch = ({ tab }: Record<string, unknown>): { tab?: 'store' | 'about' } => (tab === 'store' || tab === 'about' ? { tab } : {});

const root = createRootRoute({ component: Shell });
const routeTree = root.addChildren([
  createRoute({ getParentRoute: () => root, path: '/', beforeLoad: () => { throw redirect({ to: '/keys', replace: true }); } }),
  createRoute({ getParentRoute: () => root, path: '/keys', component: KeysView, validateSearch }),
  createRoute({ getParentRoute: () => root, path: '/files', component: FilesView, validateSearch }),
  createRoute({ getParentRoute: () => root, path: '/tokens', component: TokensView, validateSearch: validateSlotSearch }),
  createRoute({ getParentRoute: () => root, path: '/certificates', component: CertificatesView, validateSearch: validateShownSearch }),
  createRoute({ getParentRoute: () => root, path: '/backends', component: BackendsView, validateSearch }),
  createRoute({ getParentRoute: () => root, path: '/health', component: HealthView, validateSearch: validateFindingSearch }),
  createRoute({ getParentRoute: () => root, path: '/activity', component: ActivityView }),
  createRoute({ getParentRoute: () => root, path: '/settings', component: SettingsView, validateSearch: validateTabSearch }),
]);

/** Behind the “#”: what is before it is the agent's business. So one goes back and forward, and a reload stays where it was. */
export function makeRouter() {
  return createRouter({ routeTree, history: createHashHistory(), defaultPreload: false, defaultErrorComponent: ViewFault });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
