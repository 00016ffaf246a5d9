export { mostPictured } from './mistakes.ts';
export {
  type EvaluationReportContents,
  evaluationReportHtml,
  type ReportContents,
  reportHtml,
} from './report.ts';
