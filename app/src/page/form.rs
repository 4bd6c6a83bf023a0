//! Reading what a form sends, keeping the raw pairs so that a refused form can be filled in again.

use super::{Page, PageError};
use crate::flash::Flash;
use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
    http::header,
};
use serde::de::DeserializeOwned;
use service::sent_form;
use std::ops::Deref;

/// A sent form. `T` should consist of `String`s (and `Vec<String>` for names that repeat) with
/// `#[serde(default)]`: what is wrong with a value is the service's to say, at its field.
#[derive(Clone, Debug)]
pub struct Form<T> {
    /// The typed form.
    pub value: T,
    /// The raw pairs in order.
    pub pairs: Vec<(String, String)>,
}

impl<T> Deref for Form<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: DeserializeOwned> Form<T> {
    fn parse(bytes: &[u8]) -> Result<Self, PageError> {
        let pairs = pairs(bytes)?;
        let value = serde_html_form::from_bytes(bytes).map_err(broken)?;
        Ok(Self { value, pairs })
    }
}

fn broken(cause: impl std::fmt::Display) -> PageError {
    tracing::info!(%cause, "a form could not be read");
    PageError::Invalid(
        "The form did not arrive complete. Go back, check the fields, and send it again."
            .to_owned(),
    )
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let page = request.extensions().get::<Page>().cloned();
        let form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
        let bytes = Bytes::from_request(request, state).await.map_err(broken)?;
        // A form without fields (a single button) may come without a type.
        if !form && !bytes.is_empty() {
            return Err(broken("not urlencoded"));
        }
        let pairs = pairs(&bytes)?;
        take(page, &pairs, &[]).await?;
        let value = serde_html_form::from_bytes(&bytes).map_err(broken)?;
        Ok(Self { value, pairs })
    }
}

/// What was sent, in order.
fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, PageError> {
    serde_html_form::from_bytes(bytes).map_err(broken)
}

/// Takes a form once; one that was taken already leads to where it led.
async fn take(
    page: Option<Page>,
    pairs: &[(String, String)],
    files: &[UploadedFile],
) -> Result<(), PageError> {
    let Some(page) = page else { return Ok(()) };
    let files = files.iter().map(|f| (f.name.as_str(), &f.bytes[..]));
    let Some(name) = sent_form::name(&page.ctx, &page.path, pairs, files) else {
        return Ok(());
    };
    match sent_form::take(&page.ctx, &name).await? {
        Some(path) => Err(PageError::Taken(path)),
        None => {
            // The guard notes what came of it.
            let _ = page.taken.set(name);
            Ok(())
        }
    }
}

/// One file of a multipart form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// Field name.
    pub field: String,
    /// File name as sent, without any path.
    pub name: String,
    /// Type as sent: a claim, not a fact.
    pub content_type: String,
    /// Content.
    pub bytes: Bytes,
}

/// A sent multipart form with its files. Empty file fields are left out.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The raw pairs of everything that is not a file.
    pub pairs: Vec<(String, String)>,
    /// The files.
    pub files: Vec<UploadedFile>,
}

impl Upload {
    /// The fields as a typed form.
    ///
    /// # Errors
    /// [`PageError::Invalid`] when a field the type needs is missing.
    pub fn form<T: DeserializeOwned>(&self) -> Result<Form<T>, PageError> {
        let text = serde_html_form::to_string(&self.pairs).map_err(broken)?;
        let mut form = Form::<T>::parse(text.as_bytes())?;
        form.pairs = Flash::without_secrets(&self.pairs);
        Ok(form)
    }

    /// The first file of a field.
    #[must_use]
    pub fn file(&self, field: &str) -> Option<&UploadedFile> {
        self.files.iter().find(|f| f.field == field)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let page = request.extensions().get::<Page>().cloned();
        let mut parts = Multipart::from_request(request, state)
            .await
            .map_err(broken)?;
        let mut upload = Self::default();
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let field = part.name().unwrap_or_default().to_owned();
            let name = part.file_name().map(|n| {
                n.rsplit(['/', '\\'])
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(200)
                    .collect()
            });
            match name {
                Some(name) => {
                    let content_type = part.content_type().unwrap_or_default().to_owned();
                    let bytes = part.bytes().await.map_err(too_large)?;
                    let name: String = name;
                    if !(name.is_empty() && bytes.is_empty()) {
                        upload.files.push(UploadedFile {
                            field,
                            name,
                            content_type,
                            bytes,
                        });
                    }
                }
                None => upload
                    .pairs
                    .push((field, part.text().await.map_err(too_large)?)),
            }
        }
        take(page, &upload.pairs, &upload.files).await?;
        Ok(upload)
    }
}

fn too_large(cause: impl std::fmt::Display) -> PageError {
    tracing::info!(%cause, "an upload could not be read");
    PageError::Invalid(
        "The upload stopped early or is too large. Choose a smaller file and send it again."
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sample {
        #[serde(default)]
        name: String,
        #[serde(default)]
        service: Vec<String>,
    }

    #[test]
    fn repeated_names_and_missing_fields() {
        let form = Form::<Sample>::parse(b"service=a&name=%C3%9C+x&service=b&extra=1").unwrap();
        assert_eq!(form.name, "Ü x");
        assert_eq!(form.service, ["a", "b"]);
        assert_eq!(form.pairs.len(), 4);
        assert!(Form::<Sample>::parse(b"").unwrap().service.is_empty());
    }
}
