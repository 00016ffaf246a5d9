import { writeFileAtomically } from '../base/atomic-file.ts';
import { evaluationPlots } from './evaluation-plots.ts';
import { type EvaluationReportContents, evaluationReportHtml } from './report/report.ts';

/**
 * Writes the report on a run that was measured on other data: one HTML file, whole or not at all.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`
 */
export async function writeEvaluationReport(
  path: string,
  contents: Omit<EvaluationReportContents, 'plots'>,
): Promise<void> {
  const plots = await evaluationPlots(contents.evaluation, contents.record.classes);
  await writeFileAtomically(path, evaluationReportHtml({ ...contents, plots }));
}
