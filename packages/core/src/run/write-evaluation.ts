import { writeFileAtomically } from '../base/atomic-file.ts';
import type { AttemptOptions } from './attempt.ts';
import { drawPlots, evaluationPlots } from './evaluation-plots.ts';
import { type EvaluationReportContents, evaluationReportHtml } from './report/report.ts';

/**
 * Writes the report on a run that was measured on other data: one HTML file, whole or not at all.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`
 */
export async function writeEvaluationReport(
  path: string,
  contents: Omit<EvaluationReportContents, 'plots'> & AttemptOptions,
): Promise<void> {
  const { evaluation, record } = contents;
  const plots = await drawPlots(evaluationPlots(evaluation, record.classes), contents);
  await writeFileAtomically(path, evaluationReportHtml({ ...contents, plots }));
}
