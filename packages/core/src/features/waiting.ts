import type { NoticeListener } from '../base/operation.ts';
import { plural } from '../base/plural.ts';
import type { MissingViews } from './claim-views.ts';
import type { FeatureStore } from './store.ts';

/** What is there within a second needs no word. */
const quietMs = 1000;

/** Says once which processes are waited for, and for what: one of them may have been stopped. */
export function waitingNotice(
  cache: FeatureStore,
  onNotice: NoticeListener | undefined,
): (awaited: readonly MissingViews[]) => void {
  const from = performance.now();
  let isSaid = false;
  return (awaited) => {
    if (isSaid || performance.now() - from < quietMs) return;
    const keys = awaited.flatMap(({ views }) => views.map(({ key }) => key));
    const owners = keys.flatMap((key) => cache.claimant(key) ?? []);
    const names = [...new Set(owners.map(({ pid, host }) => `process ${pid} on ${host}`))];
    if (names.length === 0) return;
    isSaid = true;
    const which = names.length === 1 ? 'which computes' : 'which compute';
    const text = `Waiting for ${names.join(' and ')}, ${which} the features of ${plural(awaited.length, 'image')}; after five minutes without a sign of life they are computed here`;
    onNotice?.({ level: 'info', text });
  };
}
