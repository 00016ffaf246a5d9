import type { Classifier, NoticeListener } from '@headstart/core';

/** Prints where the backbone of a run is computed, and remarks on it. */
export function announceDevice({ backbone }: Classifier, onNotice: NoticeListener): void {
  onNotice({ level: 'info', text: `Backbone ${backbone.name} on ${backbone.device}` });
  if (backbone.notice) onNotice({ level: 'info', text: backbone.notice });
  if (backbone.untrained) {
    onNotice({ level: 'warning', text: 'this run was trained on UNTRAINED features.' });
  }
}
