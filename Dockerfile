# One image, three programs: web, worker QUEUE, beat. See docker-compose.yml.

FROM node:24-slim AS front-end
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM python:3.11-slim AS python
WORKDIR /app
COPY requirements.txt constraints.txt ./
# Neither the embedded servers nor the test tools are wanted here.
RUN sed '/^# The embedded stack/,$d' requirements.txt >product.txt \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -r product.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CRM_VAR=/var/lib/crm
RUN useradd --system --uid 1000 --home-dir /var/lib/crm --create-home crm
WORKDIR /app
COPY --from=python /opt/venv /opt/venv
COPY . .
COPY --from=front-end /app/node_modules node_modules
# Collecting needs settings, not secrets: without DATABASE_URL they are those of one machine.
RUN if [ -d locale ]; then pybabel --quiet compile --domain django --directory locale; fi \
    && CRM_VAR=/tmp/build STATIC_ROOT=/app/static python manage.py collectstatic --no-input \
    && rm -rf /tmp/build node_modules
ENV STATIC_ROOT=/app/static
USER crm
VOLUME /var/lib/crm
EXPOSE 8000
ENTRYPOINT ["script/container"]
CMD ["web"]
