export { mostPictured } from './mistakes.ts';
export { type ReportContents, reportHtml } from './report.ts';
